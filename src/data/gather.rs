//! Gathers the data set of a stream: rows wait, packed, until their number is known, which their
//! places depend on.

use super::Dataset;
use super::csr::{self, Block, Layout, Packed};
use super::libsvm::{self, IndexBase, ParseError};
use super::stream::{Reading, Stop};
use crate::memory::{Budget, Shortage};
use rayon::ThreadPool;
use std::io::Read;

impl Reading<'_> {
    /// Reads the text in `reader`. The threads of `pool` lay its data set out in the order of
    /// `seed`. Also returns the number from which the text counts features.
    ///
    /// # Errors
    /// Those of [`Reading::run`].
    pub(super) fn read(
        &self,
        pool: &ThreadPool,
        reader: impl Read,
        seed: Option<u64>,
    ) -> Result<(Dataset, IndexBase), Stop<Shortage>> {
        let mut parts = Vec::new();
        let budget = Budget::now();
        let mut needed = 0;
        self.run(
            reader,
            |block| Packed::of(block),
            |part: Packed| {
                needed += part.memory() + Layout::memory(part.len(), part.entries());
                parts.push(part);
                budget.check(needed)
            },
        )?;
        pool.install(|| self.lay_out(parts, seed)).map_err(Stop::Text)
    }

    fn lay_out(
        &self,
        parts: Vec<Packed>,
        seed: Option<u64>,
    ) -> Result<(Dataset, IndexBase), ParseError> {
        let rows: u64 = parts.iter().map(|part| part.len() as u64).sum();
        libsvm::check_rows(rows, self.options)?;
        let mut lengths = Vec::with_capacity(rows as usize);
        parts.iter().for_each(|part| lengths.extend_from_slice(part.lengths()));
        let values = parts.iter().any(Packed::has_values);
        let layout = Layout::new(lengths, seed);
        let parts = parts.into_iter().map(|part| (part.len(), part));
        let place = |part: Packed, block: &mut Block| {
            part.unpack(block);
            Ok(())
        };
        match layout.fill(values, parts, place) {
            Ok(filled) => Ok(layout.finish(filled, self.options.index_base)),
            Err(csr::Stop::Unread(error)) => Err(error),
            Err(csr::Stop::Values | csr::Stop::Changed) => {
                unreachable!("the layout was made from these parts")
            }
        }
    }
}
