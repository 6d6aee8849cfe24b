//! Each loss against what its formulae say.

mod conjugates;
mod curvatures;
mod steps;
