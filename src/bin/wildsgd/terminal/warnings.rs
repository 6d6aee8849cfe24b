//! Warnings: what happened, why it matters, what to do next.

use std::thread;

use wildsgd::data::MergedValues;
use wildsgd::model::{Evaluation, Quality};
use wildsgd::train::{Settings, Solver, StopReason, Trained};
use wildsgd::{Dataset, Model};

use super::short;
use crate::streaming::Counts;

/// Warns of more workers than cores.
pub fn too_many_threads(workers: usize) -> Option<String> {
    let cores = thread::available_parallelism().map_or(usize::MAX, usize::from);
    (workers > cores).then(|| {
        format!(
            "{workers} threads share {cores} cores: a thread that waits for a core works with stale weights and gains \
             nothing; use `--threads {cores}` or fewer"
        )
    })
}

/// Warns of a model in LIBLINEAR's format with labels that its programs cannot read.
pub const LABELS_NOT_WHOLE: &str = "the labels are not whole numbers within i32: LIBLINEAR's own programs do not read \
     this model; leave `--model-format` out for the native format";

/// Warns of so many classes that the labels may be regression targets.
pub fn many_classes(classes: usize, examples: usize) -> Option<String> {
    /// Minimum number of classes, and maximum number of examples per class, that look like amounts.
    const SUSPICIOUS: (usize, usize) = (100, 10);
    let many = classes > SUSPICIOUS.0 && examples < classes * SUSPICIOUS.1;
    many.then(|| {
        format!(
            "{classes} labels for {examples} examples look like amounts rather than classes: a weight vector is \
             trained for each; give `--loss squared` or `--loss huber` for regression"
        )
    })
}

/// Warns of epochs that made the objective explode.
pub fn undone(epochs: usize, searched: bool) -> Option<String> {
    let advice = if searched {
        "scale the features down, for example to rows of length 1, or give a smaller `--learning-rate`"
    } else {
        "give a smaller `--learning-rate`, or `auto` to search for one"
    };
    (epochs > 0).then(|| {
        format!(
            "{epochs} of the epochs made the objective explode and were rolled back, with half the step size \
             afterwards: their time was lost; {advice}"
        )
    })
}

/// Warns of a training that ended before the objective had settled.
pub fn unsettled(settings: &Settings, trained: &Trained) -> Option<String> {
    let of_classes =
        match trained.classes.iter().filter(|class| class.stop == StopReason::Epochs).count() {
            0 => String::new(),
            unsettled => format!(" of {unsettled} of the {} classes", trained.classes.len()),
        };
    if trained.fit.stop == StopReason::Stalled {
        let gap = short(trained.fit.gap);
        let advice = match trained.solver {
            Solver::Interior => "a larger l2 or `--l1` has an optimum that is easier to find",
            _ if trained.fit.continued.is_some() => {
                "a larger l2 or `--l1` has an optimum that is easier to find"
            }
            _ => "leave `--solver` out, and another solver goes on",
        };
        return Some(format!(
            "the model may be as much as {gap} of the objective above the optimum, more than \
             `--tolerance` allows; {advice}"
        ));
    }
    if trained.fit.stop == StopReason::Tolerance && trained.fit.gap.is_none() {
        return Some(
            "the objective settled, but how near the optimum it is, is not known: this solver has \
             no bound; leave `--solver`, `--strategy` and the step size out for a certified model"
                .into(),
        );
    }
    let unsettled = trained.fit.stop == StopReason::Epochs || !of_classes.is_empty();
    unsettled_objective(settings, unsettled, &of_classes)
}

/// Warns that the objective had not settled when the epochs were over. `of_classes` names the
/// classes, if there are several.
pub fn unsettled_objective(
    settings: &Settings,
    unsettled: bool,
    of_classes: &str,
) -> Option<String> {
    (unsettled && settings.tolerance > 0.0).then(|| {
        let (epochs, tolerance) = (settings.epochs, short(Some(settings.tolerance)));
        format!(
            "the objective{of_classes} had not settled (tolerance {tolerance}) within `--epochs {epochs}`: the model \
             may still improve; raise it"
        )
    })
}

/// Warns of values of a feature in the file `name` that are one as f32.
pub fn merged_values(name: &str, data: &Dataset) -> Option<String> {
    data.merged_values().map(|MergedValues { feature, values: [first, second], .. }| {
        format!(
            "{name}: feature {feature} has values that are one when they are rounded to f32 (7 digits), such as \
             {first} and {second}; subtract a common offset from all of its values, or divide it into two features"
        )
    })
}

/// Warns of held-out labels that the model does not know, of `total` in the file `name`.
pub fn unknown_labels(name: &str, total: usize, evaluation: &Evaluation) -> Option<String> {
    let (unknown, others) = match evaluation.quality {
        Quality::Classes { unknown_labels: unknown @ 1.., .. } => (unknown, "AUC"),
        Quality::ManyClasses { unknown_labels: unknown @ 1.., .. } => (unknown, "log loss"),
        _ => return None,
    };
    Some(format!(
        "{name}: {unknown} of {total} labels are not the model's: they count as wrong, and are left out of the loss \
         and {others}; check that both files number the classes the same way"
    ))
}

/// Warns of entries in the file `name` whose features the model does not know.
pub fn unseen(name: &str, counts: Counts, model: &Model) -> Option<String> {
    let Counts { unseen, nonzeros: total, .. } = counts;
    let width = model.width();
    (unseen > 0).then(|| {
        format!(
            "{name}: {unseen} of {total} entries have features above {width}, the last that the model knows: they \
             are ignored; check that both files number the features the same way"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_epochs_are_counted_with_advice_that_fits_the_flags() {
        assert_eq!(undone(0, true), None);
        let (searched, given) = (undone(2, true).unwrap(), undone(2, false).unwrap());
        assert!(
            searched.starts_with("2 of the epochs made the objective explode and were rolled back")
        );
        assert!(searched.ends_with("or give a smaller `--learning-rate`"));
        assert!(given.ends_with("or `auto` to search for one"));
    }

    #[test]
    fn labels_that_look_like_amounts() {
        assert_eq!(many_classes(58, 100), None);
        assert_eq!(many_classes(200, 2000), None);
        assert!(
            many_classes(200, 1999)
                .unwrap()
                .starts_with("200 labels for 1999 examples look like amounts")
        );
    }
}
