//! The integration tests, in one binary.

mod bad_data;
mod bad_files;
mod bad_settings;
mod bench;
mod cache;
mod cases;
mod command;
mod evaluate;
mod factorize;
mod formats;
mod inspect;
mod interrupt;
mod multiclass;
mod predict;
mod saving;
mod strategies;
mod train;
mod weights;
