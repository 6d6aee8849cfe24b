//! Streams rows and scores them, with a few blocks in memory at a time.

use std::path::Path;
use std::time::Instant;

use wildsgd::data::{IndexBase, ParseOptions, cache, source};
use wildsgd::internal::data::Scan;
use wildsgd::internal::report;
use wildsgd::{Dataset, Model, Result};

/// Rows of a cache per block of scores.
const ROWS: usize = 1 << 14;

/// Maximum number of scores of a cache, or of a block of text, in memory at a time.
const SCORES: usize = 1 << 23;

/// Most bytes of text per block.
const BLOCK: usize = 1 << 18;

/// Counts over the streamed rows.
pub struct Streamed {
    /// The file's name, or `<stdin>`.
    pub name: String,
    /// Totals over all blocks.
    pub counts: Counts,
    started: Instant,
}

/// Counts over blocks of rows.
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
    /// Counts the rows and entries of `block`.
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

impl Streamed {
    /// Scores the rows of the file at `path` (`-`: standard input), on all cores. `make` turns the
    /// scores of a block into a value of its own; `take` receives that, the scores
    /// ([`Model::outputs`] per example) and the labels, in the order of the file.
    ///
    /// The rows of text are streamed. Those of a cache stay in their file, and its scores are
    /// brought into the order of the text.
    pub fn score<T: Send>(
        path: &Path,
        index_base: IndexBase,
        model: &Model,
        make: impl Fn(&[f64]) -> T + Sync,
        mut take: impl FnMut(T, &[f64], &[f64]) -> Result<()> + Send,
    ) -> Result<Self> {
        let mut streamed = Streamed {
            name: source::display_name(path),
            counts: Counts::default(),
            started: Instant::now(),
        };
        if cache::is_cache(path) {
            let data = cache::open(path)?;
            data.verify()?;
            streamed.counts = Counts::of(&data, model);
            in_order_of_text(&data, model, SCORES, |scores, labels| {
                take(make(scores), scores, labels)
            })?;
            return Ok(streamed);
        }
        let scan = Scan {
            parse: ParseOptions { index_base, ..ParseOptions::default() },
            // A row takes two bytes at least.
            block: (2 * SCORES / model.outputs()).clamp(1, BLOCK),
            ..Scan::default()
        };
        let score_block = |block: Dataset| {
            let mut scores = vec![0.0; block.len() * model.outputs()];
            let each = block.iter().zip(scores.chunks_mut(model.outputs()));
            each.for_each(|((row, _), scores)| model.score_into(row, scores));
            (Counts::of(&block, model), make(&scores), scores, block.labels().to_vec())
        };
        scan.blocks(path, score_block, |(counts, value, scores, labels)| {
            streamed.counts.add(counts);
            take(value, &scores, &labels)
        })?;
        Ok(streamed)
    }

    /// Returns the entry for reports.
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

/// Passes on the scores and labels of a cache in the order of the text, a few rows at a time. The
/// rows of `most` scores are scored per pass, in the order in which they are stored, which suits
/// disks; the others wait for the next pass.
fn in_order_of_text(
    data: &Dataset,
    model: &Model,
    most: usize,
    mut take: impl FnMut(&[f64], &[f64]) -> Result<()>,
) -> Result<()> {
    let outputs = model.outputs();
    let (labels, stored_at) =
        (data.labels_of_file(), data.in_order_of_file((0..data.len() as u32).collect()));
    let pass = (most / outputs).max(1);
    for (labels, stored_at) in labels.chunks(pass).zip(stored_at.chunks(pass)) {
        let mut by_storage: Vec<u32> = (0..stored_at.len() as u32).collect();
        by_storage.sort_unstable_by_key(|&k| stored_at[k as usize]);
        let rows: Vec<u32> = by_storage.iter().map(|&k| stored_at[k as usize]).collect();
        let scores = model.decisions_at(data, &rows);
        let mut ranks = rows;
        by_storage.iter().zip(0..).for_each(|(&k, rank)| ranks[k as usize] = rank);
        let mut in_order = Vec::new();
        for (labels, ranks) in labels.chunks(ROWS).zip(ranks.chunks(ROWS)) {
            in_order.clear();
            let scores_of = |&rank: &u32| &scores[rank as usize * outputs..][..outputs];
            ranks.iter().for_each(|rank| in_order.extend_from_slice(scores_of(rank)));
            take(&in_order, labels)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wildsgd::data::Builder;
    use wildsgd::model::LossKind;

    use super::*;

    #[test]
    fn rows_arrive_in_the_order_of_the_text_in_any_number_of_passes() {
        let mut text = Builder::default();
        for i in 0..500_u16 {
            text.entry(u32::from(i % 7), f32::from(i));
            text.end_row(f64::from(i));
        }
        let text = text.finish(0);
        let weights = (0..21).map(f64::from).collect();
        let three =
            Model::with_classes(LossKind::Hinge, vec![1.0, 2.0, 3.0], weights, None).unwrap();
        let one = Model::new(LossKind::Squared, None, vec![1.0; 7], None).unwrap();
        for (model, seed) in [(&three, 5), (&one, 6)] {
            for most in [1, 100, 499, 1 << 20] {
                let (mut scores, mut labels) = (Vec::new(), Vec::new());
                let take = |some: &[f64], of: &[f64]| {
                    scores.extend_from_slice(some);
                    labels.extend_from_slice(of);
                    Ok(())
                };
                in_order_of_text(&text.shuffled(seed), model, most, take).unwrap();
                assert_eq!(scores, model.decisions(&text));
                assert_eq!(labels, text.labels());
            }
        }
    }
}
