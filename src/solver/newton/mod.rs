//! Newton's methods: in the weights, for smooth losses with any regularizer (`primal`), and in the
//! dual variables, for any loss with l2 (`dual`). Both sum Hessians by `hessian`.

pub(crate) mod dual;
pub(crate) mod hessian;
pub(crate) mod primal;
