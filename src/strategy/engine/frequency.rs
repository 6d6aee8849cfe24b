//! How often terms touch coordinates, counted on some of them.

use crate::memory::filled;
use crate::params::Real;
use crate::strategy::Visit;

/// How many of the first terms touch each coordinate.
///
/// A byte each, since most are touched a few times: memory that is used for the first time costs
/// more than what is counted in it.
#[derive(Debug)]
pub(crate) struct FrequencySample {
    /// How many terms were looked at.
    pub(crate) sample: usize,
    /// One a coordinate; [`u8::MAX`] where there are at least so many.
    few: Vec<u8>,
    /// The coordinates of these that are not exactly so many, ascending, and how many.
    many: Vec<(usize, u32)>,
}

/// Terms whose coordinates are looked up at a time.
const TOGETHER: usize = 64;

impl FrequencySample {
    /// Counts on `sample` terms, or all if there are fewer.
    pub(crate) fn count<R: Real>(visit: &dyn Visit<R>, sample: usize) -> Self {
        let shape = visit.shape();
        let sample = sample.min(shape.terms);
        let (mut few, mut full) = (filled(0_u8, shape.width), Vec::new());
        let terms: Vec<usize> = (0..sample).collect();
        let mut touched = Vec::new();
        for terms in terms.chunks(TOGETHER) {
            touched.clear();
            visit.support(terms, &mut touched);
            for &j in &touched {
                few[j] = few[j].wrapping_add(1);
                if few[j] == 0 {
                    full.push(j);
                }
            }
        }
        full.sort_unstable();
        let beyond = |times: &[usize]| {
            (times[0], (times.len() << u8::BITS) as u32 + u32::from(few[times[0]]))
        };
        let mut many: Vec<_> = full.chunk_by(|i, j| i == j).map(beyond).collect();
        many.extend((shape.own()..shape.width).map(|j| (j, sample as u32)));
        many.iter().for_each(|&(j, _)| few[j] = u8::MAX);
        FrequencySample { sample, few, many }
    }

    /// The coordinates that at least `least` terms touch, ascending, and how many do.
    pub(crate) fn at_least(&self, least: u32) -> impl Iterator<Item = (usize, u32)> {
        let least_few = least.min(u8::MAX.into()) as u8;
        let looked_up =
            |j| self.many.binary_search_by_key(&j, |&(j, _)| j).ok().map(|at| self.many[at].1);
        (self.few.iter().enumerate().filter(move |&(_, &few)| few >= least_few))
            .map(move |(j, &few)| {
                (j, if few < u8::MAX { few.into() } else { looked_up(j).unwrap_or(few.into()) })
            })
            .filter(move |&(_, count)| count >= least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Builder;
    use crate::problem::{Hinge, Linear};
    use crate::solver::sgd::{Penalty, Schedule, Sgd, StepSize};

    #[test]
    fn few_and_many_touches_are_counted_one_by_one() {
        let counts = [300, 255, 256, 0, 1, 600, 254, 512];
        let mut builder = Builder::default();
        for i in 0..600 {
            counts.iter().zip(0..).filter(|&(&count, _)| i < count).for_each(|(_, j)| {
                builder.entry(j, 1.0);
            });
            builder.end_row(1.0);
        }
        let (data, targets) = (builder.finish(0), vec![1.0; 600]);
        let problem = Linear::new(&data, &targets, Hinge, Some(1.0)).unwrap();
        let step = StepSize::new(1.0, Schedule::Constant);
        let visit: Sgd<_, f32> = Sgd::new(&problem, Penalty::default(), step, true);
        // The bias, which every term touches, comes last.
        for (sample, bias) in [(1_000, 600), (400, 400), (100, 100)] {
            let touches = FrequencySample::count(&visit, sample);
            assert_eq!(touches.sample, bias as usize);
            for least in [0, 1, 2, 100, 254, 255, 256, 257, 600] {
                let counts = counts.iter().map(|&count| bias.min(count)).chain([bias]);
                let wanted: Vec<_> =
                    counts.enumerate().filter(|&(_, count)| count >= least).collect();
                assert_eq!(touches.at_least(least).collect::<Vec<_>>(), wanted, "{sample} {least}");
            }
        }
    }
}
