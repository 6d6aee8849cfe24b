//! The text that `inspect` prints.

use std::fmt::{self, Display};

use indicatif::{HumanBytes, HumanCount};
use wildsgd::internal::report::Inspected;
use wildsgd::internal::stats::{Class, Labels, Rho, Spread, Stats, Target};

use super::advice;
use super::bars::Bars;
use super::format::{COLUMNS, count, percent};
use crate::terminal::short;

/// Maximum number of classes that are listed one by one, the largest first.
const LISTED: usize = 8;
/// Maximum number of features that are named.
const NAMED: usize = 3;

/// A data set as text.
pub struct Page<'a>(pub &'a Inspected);

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inspected { data, stats, .. } = self.0;
        writeln!(f, "{}\n", data.path)?;
        shape(f, self.0)?;
        match &stats.labels {
            Labels::Classes(classes) => list(f, classes)?,
            Labels::Target(target) => summarize(f, target)?,
        }
        distribution(f, "non-zeros per example", "examples", Some(&stats.row_lengths))?;
        distribution(f, "examples per feature", "features", stats.frequencies.as_ref())?;
        conflicts(f, stats)?;
        writeln!(f, "\nWhat this means for training without locks")?;
        advice::sentences(stats, data.examples).iter().try_for_each(|advice| paragraph(f, advice))
    }
}

fn shape(f: &mut fmt::Formatter<'_>, report: &Inspected) -> fmt::Result {
    let Inspected { data, stats, .. } = report;
    let seen = match data.features - stats.features_seen {
        0 => "all of them occur".into(),
        _ => format!("{} of them occur", count(stats.features_seen)),
    };
    let values = if stats.all_ones { "all values are 1" } else { "not all values are 1" };
    let of_rows = |rows| percent(rows as f64 / data.examples as f64);
    let copies = stats.duplicates.copies;
    row(f, "examples", count(data.examples))?;
    row(f, "features", format!("{}, {seen}", count(data.features)))?;
    row(
        f,
        "non-zeros",
        format!("{}, density {}, {values}", count(data.nonzeros), percent(stats.density)),
    )?;
    row(f, "in memory", HumanBytes(stats.memory_bytes))?;
    if let Some(norms) = stats.norms {
        let [min, median, max] = [norms.min, norms.median, norms.max].map(|norm| short(Some(norm)));
        row(f, "row norms", format!("min {min}, median {median}, max {max}"))?;
    }
    row(f, "empty rows", count(stats.empty_rows))?;
    let contradicting = count(stats.duplicates.contradicting);
    row(
        f,
        "duplicate rows",
        format!(
            "{} ({}) are copies; {contradicting} equal one with another label",
            count(copies),
            of_rows(copies)
        ),
    )?;
    row(f, "explicit zeros", HumanCount(stats.explicit_zeros))?;
    row(f, "constant features", count(stats.constant_features))
}

fn list(f: &mut fmt::Formatter<'_>, classes: &[Class]) -> fmt::Result {
    let mut classes = classes.to_vec();
    classes.sort_by_key(|class| std::cmp::Reverse(class.examples));
    writeln!(f)?;
    for class in classes.iter().take(LISTED) {
        let Class { label, examples, share } = *class;
        row(
            f,
            &format!("label {label}"),
            format!("{:>11} {:>8}", count(examples), percent(share)),
        )?;
    }
    if let [first, .., last] = &classes[LISTED.min(classes.len())..] {
        let (more, most, least) =
            (classes.len() - LISTED, percent(first.share), percent(last.share));
        let shares = if least == most { most } else { format!("{least} to {most}") };
        row(f, "other labels", format!("{more} of them, with {shares} of the examples each"))?;
    } else if let Some(last) = classes.get(LISTED) {
        row(
            f,
            "another label",
            format!("{:>11} {:>8}", count(last.examples), percent(last.share)),
        )?;
    }
    Ok(())
}

fn summarize(f: &mut fmt::Formatter<'_>, target: &Target) -> fmt::Result {
    let number = |x: f64| short(Some(x));
    let [min, q25, median, q75, max] =
        [target.min, target.q25, target.median, target.q75, target.max].map(number);
    writeln!(f)?;
    row(f, "labels", format!("{} distinct values: a regression target", count(target.distinct)))?;
    row(f, "", format!("min {min}, quartiles {q25}, {median}, {q75}, max {max},"))?;
    row(f, "", format!("mean {}", short(Some(target.mean))))
}

fn distribution(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    unit: &'static str,
    spread: Option<&Spread>,
) -> fmt::Result {
    let Some(spread) = spread else { return Ok(()) };
    let Spread { min, q25, median, q75, q99, max, mean, .. } = *spread;
    let [min, q25, median, q75, q99, max] =
        [min, q25, median, q75, q99, max].map(|x| HumanCount(x.into()));
    writeln!(f, "\n{name}: mean {}", short(Some(mean)))?;
    writeln!(f, "min {min}, quartiles {q25}, {median}, {q75}, 99th percentile {q99}, max {max}")?;
    write!(f, "{}", Bars { spread, unit })
}

fn conflicts(f: &mut fmt::Formatter<'_>, stats: &Stats) -> fmt::Result {
    let conflicts = &stats.conflicts;
    writeln!(f, "\nsparsity as the Hogwild paper measures it (Niu et al. 2011)")?;
    row(f, "Omega", format!("{:<9} non-zeros of the longest example", count(conflicts.omega)))?;
    row(
        f,
        "Delta",
        format!("{:<9} of the examples have the hottest feature", percent(conflicts.delta)),
    )?;
    let Rho { lower, upper } = conflicts.rho;
    let meaning = "of the examples conflict with the worst one";
    match conflicts.rho.is_exact() {
        true => row(f, "rho", format!("{:<9} {meaning}", percent(lower)))?,
        false => {
            row(
                f,
                "rho",
                format!(
                    "from {} to {} (bounds: the search was cut short)",
                    percent(lower),
                    percent(upper)
                ),
            )?;
            row(f, "", meaning)?;
        }
    }
    let named = stats.hottest.iter().take(NAMED);
    let named = named.map(|hot| format!("{} ({})", hot.feature, percent(hot.share)));
    let shares = stats.hot_shares.iter();
    let shares = shares.map(|hot| format!("{}: {}", count(hot.features), percent(hot.share)));
    let collisions = conflicts.collisions.iter().filter(|c| [2, 8, 32].contains(&c.threads));
    let collisions = collisions.map(|c| format!("{}: {}", c.threads, percent(c.share)));
    if !stats.hottest.is_empty() {
        row(f, "hottest features", named.collect::<Vec<_>>().join(", "))?;
        row(
            f,
            "held by hottest",
            format!("{} of the non-zeros", shares.collect::<Vec<_>>().join(", ")),
        )?;
    }
    row(f, "conflicts", format!("threads {}", collisions.collect::<Vec<_>>().join(", ")))
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{name:<18} {value}")
}

/// Writes an item of a list, in lines of at most 80 columns.
fn paragraph(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut line = String::from("-");
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > COLUMNS {
            writeln!(f, "{line}")?;
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(f, "{line}")
}
