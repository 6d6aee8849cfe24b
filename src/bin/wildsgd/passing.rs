//! Rows that pass by and are scored, in memory for a few blocks of them.

use std::path::Path;
use std::time::Instant;

use wildsgd::data::{IndexBase, ParseOptions, Scan, source};
use wildsgd::{Dataset, Model, Result, report};

/// What was counted of the rows that passed.
pub struct Passed {
    /// The file's name, or `<stdin>`.
    pub name: String,
    /// What all blocks hold together.
    pub counts: Counts,
    started: Instant,
}

/// What blocks of rows hold.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub examples: usize,
    /// One more than the largest index.
    pub features: usize,
    pub nonzeros: usize,
    /// Entries whose feature the model does not know.
    pub unseen: usize,
}

impl Counts {
    /// Those of `block`.
    pub fn of(block: &Dataset, model: &Model) -> Self {
        let unseen = |row: wildsgd::Row<'_>| row.len() - row.below(model.width()).len();
        let has_unseen = block.width() > model.width();
        Counts {
            examples: block.len(),
            features: block.width(),
            nonzeros: block.nonzeros(),
            unseen: if has_unseen { block.iter().map(|(row, _)| unseen(row)).sum() } else { 0 },
        }
    }

    fn add(&mut self, block: Self) {
        self.examples += block.examples;
        self.features = self.features.max(block.features);
        self.nonzeros += block.nonzeros;
        self.unseen += block.unseen;
    }
}

impl Passed {
    /// Lets the rows of the file at `path` (`-`: standard input) pass: `work` makes of each block what it likes, on
    /// all cores, and `take` gets that in the order of the file.
    pub fn all<T: Send>(
        path: &Path,
        index_base: IndexBase,
        model: &Model,
        work: impl Fn(&Dataset) -> T + Sync,
        mut take: impl FnMut(T) -> Result<()> + Send,
    ) -> Result<Self> {
        let mut passed =
            Passed { name: source::display_name(path), counts: Counts::default(), started: Instant::now() };
        let scan = Scan { parse: ParseOptions { index_base, ..ParseOptions::default() }, ..Scan::default() };
        scan.blocks(
            path,
            |block| (Counts::of(&block, model), work(&block)),
            |(counts, made)| {
                passed.counts.add(counts);
                take(made)
            },
        )?;
        Ok(passed)
    }

    /// What reports say of the data.
    pub fn report(&self) -> report::Data {
        report::Data {
            path: self.name.clone(),
            examples: self.counts.examples,
            features: self.counts.features,
            nonzeros: self.counts.nonzeros,
            load_seconds: self.started.elapsed().as_secs_f64(),
        }
    }
}
