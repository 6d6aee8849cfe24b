//! The one integration test binary.

mod saving;
