//! Advice in sentences: what the measures show, why it matters, what to do.

use wildsgd::internal::stats::{Class, Labels, Stats};

use super::format::{count, percent};
use crate::terminal::short;

/// Number of threads that the sentences assume.
const THREADS: u32 = 8;
/// Ratio of the longest to the shortest row from which one step size hardly suits both.
const UNEVEN: f64 = 10.0;
/// Fraction of the smaller class below which accuracy says little.
const RARE: f64 = 0.2;

/// Returns all advice about `examples` examples, the most general first.
pub fn sentences(stats: &Stats, examples: usize) -> Vec<String> {
    let all = [
        collisions(stats),
        worst_case(stats),
        hot(stats),
        scale(stats),
        classes(stats),
        constant(stats),
        copies(stats, examples),
        contradictions(stats, examples),
        empty(stats),
        zeros(stats),
    ];
    all.into_iter().flatten().collect()
}

fn collisions(stats: &Stats) -> Option<String> {
    let share = |threads| {
        stats.conflicts.collisions.iter().find(|c| c.threads == threads).map_or(0.0, |c| c.share)
    };
    let expected = share(THREADS);
    let meaning = match expected {
        0.0 => return None,
        ..0.1 => "Threads rarely conflict: lock-free training was made for such data.",
        ..0.5 => {
            "Threads often conflict, mostly on the hot features: measure with `--threads` what each additional one gains."
        }
        _ => {
            "Threads contend for the hot features: more of them may gain little; compare with `--threads 1`, \
             and with `--update atomic`, which loses no update."
        }
    };
    Some(format!(
        "With {THREADS} threads, an expected {} of the updates go to a weight that another thread's example uses too. \
         An update is lost only if both write at the same instant, but the weight moves between cores. {meaning}",
        percent(expected)
    ))
}

fn worst_case(stats: &Stats) -> Option<String> {
    let factor = stats.conflicts.worst_case(THREADS.into());
    let meaning = match factor {
        1.0 => return None,
        ..2.0 => "even in theory, threads cost little here",
        _ => "no guarantee for these data, but practice is mostly far better than this worst case",
    };
    Some(format!(
        "The paper's bound on the number of steps grows by the factor 1 + 6 rho tau + 6 tau^2 Omega sqrt(Delta), about {} \
         for tau = {THREADS}: {meaning}.",
        three_digits(factor)
    ))
}

/// Formats `x`, at least 1, rounded to three digits.
fn three_digits(x: f64) -> String {
    let unit = 10f64.powi(x.log10().floor() as i32 - 2);
    let rounded = (x / unit).round() * unit;
    if x < 100.0 { short(Some(rounded)) } else { count(rounded as usize) }
}

fn hot(stats: &Stats) -> Option<String> {
    let delta = stats.conflicts.delta;
    (stats.all_ones && (0.9..1.0).contains(&delta)).then(|| {
        format!(
            "Feature {} is 1 in {} of the examples, almost like the bias: it discriminates little, and every thread \
             writes its weight; consider removing it.",
            stats.hottest[0].feature,
            percent(delta)
        )
    })
}

fn scale(stats: &Stats) -> Option<String> {
    let norms = stats.norms?;
    if norms.min > 0.99 && norms.max < 1.01 {
        return Some("All rows have length 1: well scaled.".into());
    }
    (norms.max >= UNEVEN * norms.min).then(|| {
        let [min, max] = [norms.min, norms.max].map(|norm| short(Some(norm)));
        format!(
            "Rows have lengths from {min} to {max}, but one step size has to suit them all: scale the features to \
             one range, or each row to length 1."
        )
    })
}

fn classes(stats: &Stats) -> Option<String> {
    let Labels::Classes(classes) = &stats.labels else { return None };
    match &classes[..] {
        [only] => Some(format!("All labels are {}: there is nothing to classify.", only.label)),
        [a, b] => {
            let (rare, other): (&Class, &Class) = if a.share <= b.share { (a, b) } else { (b, a) };
            (rare.share < RARE).then(|| {
                format!(
                    "Only {} of the examples have label {}: always predicting {} is right on {}, so accuracy says \
                     little; look at the AUC, and keep the bias.",
                    percent(rare.share),
                    rare.label,
                    other.label,
                    percent(other.share)
                )
            })
        }
        _ => None,
    }
}

fn constant(stats: &Stats) -> Option<String> {
    let (features, them) = match stats.constant_features {
        0 => return None,
        1 => ("1 feature has".into(), "it"),
        n => (format!("{} features have", count(n)), "them"),
    };
    Some(format!(
        "{features} the same value in all examples, like the bias: remove {them}, or the bias (`--no-bias`)."
    ))
}

fn copies(stats: &Stats, examples: usize) -> Option<String> {
    // All empty rows are copies of the first; they have their own sentence.
    let copies = stats.duplicates.copies.saturating_sub(stats.empty_rows.saturating_sub(1));
    let share = copies as f64 / examples as f64;
    (share > 0.01).then(|| {
        format!(
            "{} of the examples are copies of others: hold out whole groups of them, or the test measures what was \
             seen in training.",
            percent(share)
        )
    })
}

fn contradictions(stats: &Stats, examples: usize) -> Option<String> {
    let Labels::Classes(_) = stats.labels else { return None };
    let errors = stats.duplicates.least_errors;
    (errors > 0).then(|| {
        format!(
            "Equal examples contradict each other in their labels: every classifier gets at least {} wrong ({}).",
            count(errors),
            percent(errors as f64 / examples as f64)
        )
    })
}

fn empty(stats: &Stats) -> Option<String> {
    (stats.empty_rows > 0).then(|| {
        format!(
            "Examples without non-zeros, {} here, are predicted by the bias alone.",
            count(stats.empty_rows)
        )
    })
}

fn zeros(stats: &Stats) -> Option<String> {
    let (entries, they) = match stats.explicit_zeros {
        0 => return None,
        1 => ("1 entry is".into(), "it costs time and memory and changes no score; remove it"),
        n => (
            format!("{} entries are", count(n as usize)),
            "they cost time and memory and change no score; remove them",
        ),
    };
    Some(format!("{entries} 0: {they}."))
}
