//! Rows that pass by and are scored, in memory for a few blocks of them.

use std::path::Path;
use std::time::Instant;

use wildsgd::data::{IndexBase, ParseOptions, Scan, cache, source};
use wildsgd::{Dataset, Model, Result, report};

/// Rows of a cache that are handed on at once.
const ROWS: usize = 1 << 14;

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
        Counts {
            examples: block.len(),
            features: block.width(),
            nonzeros: block.nonzeros(),
            unseen: model.unseen(block),
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
    /// Scores the rows of the file at `path` (`-`: standard input), on all cores: `make` makes of the scores of a block
    /// what it likes, and `take` gets that, scores and labels, in the order of the file.
    ///
    /// The rows of text pass by. Those of a cache stay in their file, and its scores are brought into the order of
    /// the text.
    pub fn all<T: Send>(
        path: &Path,
        index_base: IndexBase,
        model: &Model,
        make: impl Fn(&[f64]) -> T + Sync,
        mut take: impl FnMut(T, &[f64], &[f32]) -> Result<()> + Send,
    ) -> Result<Self> {
        let mut passed =
            Passed { name: source::display_name(path), counts: Counts::default(), started: Instant::now() };
        if cache::is_cache(path) {
            let data = cache::open(path)?;
            data.verify()?;
            passed.counts = Counts::of(&data, model);
            let scores = data.in_order_of_file(model.decisions(&data));
            let labels = data.labels_of_file();
            for (scores, labels) in scores.chunks(ROWS).zip(labels.chunks(ROWS)) {
                take(make(scores), scores, labels)?;
            }
            return Ok(passed);
        }
        let scan = Scan { parse: ParseOptions { index_base, ..ParseOptions::default() }, ..Scan::default() };
        let score = |block: Dataset| {
            let scores: Vec<f64> = block.iter().map(|(row, _)| model.decision(row)).collect();
            (Counts::of(&block, model), make(&scores), scores, block.labels().to_vec())
        };
        scan.blocks(path, score, |(counts, made, scores, labels)| {
            passed.counts.add(counts);
            take(made, &scores, &labels)
        })?;
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
