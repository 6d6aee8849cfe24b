//! Weights of examples: the objective is (1/n) * sum of c_i * loss_i, plus the regularizer.
//!
//! The factor c_i of an example is that of its class times its own. LIBLINEAR's `-wi` is the factor
//! of a class. With more than two classes, LIBLINEAR applies it only to that class's own problem;
//! here it applies to the class's examples in all problems.

use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};

/// Factors of examples. By default all are 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExampleWeights {
    /// If set, all classes have equal total weight: the factor n / (K * n_k) for the n_k examples
    /// of one of K classes. With weights of examples, n and n_k are sums of these. Default false.
    pub balanced: bool,
    /// Labels with the factor of their class, finite and above 0; on top of the balance, if set.
    pub classes: Vec<(f64, f64)>,
    /// One factor an example, in the order of the file, finite, at least 0 and not all 0; on top of
    /// its class's.
    pub examples: Option<Vec<f32>>,
}

impl ExampleWeights {
    /// Checks the ranges that do not depend on the data.
    pub(super) fn check(&self, regression: bool) -> Result<()> {
        if regression && (self.balanced || !self.classes.is_empty()) {
            return Err(Error::Parameter {
                name: "class weight",
                value: "given with a loss for regression".into(),
                expected: "a loss for classification",
                hint: "leave it out, or give each example a weight of its own",
            });
        }
        for (k, &(label, weight)) in self.classes.iter().enumerate() {
            if !(weight.is_finite() && weight > 0.0) {
                return Err(Error::Parameter {
                    name: "class weight",
                    value: format!("{weight} for label {label}"),
                    expected: "a finite number above 0",
                    hint: "1 is that of a class without one",
                });
            }
            if self.classes[..k].iter().any(|&(other, _)| other == label) {
                return Err(Error::Parameter {
                    name: "class weight",
                    value: format!("given twice for label {label}"),
                    expected: "one a label",
                    hint: "leave one out",
                });
            }
        }
        Ok(())
    }

    /// Returns the factor of each class, in the order of `labels`; empty if all are 1. `class_of`
    /// has the class of each example, in the order of the rows of `data`.
    ///
    /// # Errors
    /// [`Error::Input`] if a label that has a factor does not occur in the data, or the weights of
    /// a class's examples are all 0. `name` is that of the data.
    pub(super) fn of_classes(
        &self,
        name: &str,
        data: &Dataset,
        labels: &ClassLabels,
        class_of: &[u32],
    ) -> Result<Vec<f64>> {
        if !self.balanced && self.classes.is_empty() {
            return Ok(Vec::new());
        }
        let mut factors = vec![1.0; labels.labels().len()];
        if self.balanced {
            let mut counts = vec![0.0; factors.len()];
            let own = self.examples.as_ref().filter(|own| own.len() == data.len());
            let own = own.map(|own| data.from_file_order(own));
            for (i, &class) in class_of.iter().enumerate() {
                counts[class as usize] += own.as_ref().map_or(1.0, |own| f64::from(own[i]));
            }
            if let Some(class) = counts.iter().position(|&count| count == 0.0) {
                return Err(Error::input(
                    name,
                    format!("all examples with the label {} weigh 0", labels.labels()[class]),
                    "a weight above 0 for an example of each class, to balance them",
                    "leave the class out, or do not balance classes",
                ));
            }
            let balanced = counts.iter().sum::<f64>() / factors.len() as f64;
            factors.iter_mut().zip(&counts).for_each(|(factor, count)| *factor = balanced / count);
        }
        for &(label, weight) in &self.classes {
            let Some(class) = labels.class(label) else {
                return Err(Error::input(
                    name,
                    format!("no example has the label {label} of a class weight"),
                    "labels of the data",
                    "check the label, or leave its weight out",
                ));
            };
            factors[class] *= weight;
        }
        Ok(factors)
    }

    /// Returns the factor of each example, in the order of the rows of `data`; `None` if all are 1.
    /// `of_class` holds the factors of the classes, empty if all are 1, and `class_of` the class of
    /// each example.
    ///
    /// # Errors
    /// [`Error::Input`] if the number of factors differs from that of examples. `name` is that of
    /// the data.
    pub(super) fn of_rows(
        &self,
        name: &str,
        data: &Dataset,
        of_class: &[f64],
        class_of: &[u32],
    ) -> Result<Option<Vec<f32>>> {
        let class_factor = |i: usize| of_class[class_of[i] as usize];
        match &self.examples {
            Some(own) if own.len() != data.len() => Err(Error::input(
                name,
                format!("{} weights for {} examples", own.len(), data.len()),
                "one weight an example, in the order of the file",
                "check that the weights are those of this file",
            )),
            Some(own) if of_class.is_empty() => Ok(Some(data.from_file_order(own))),
            Some(own) => {
                let own = data.from_file_order(own).into_iter().enumerate();
                Ok(Some(own.map(|(i, own)| (f64::from(own) * class_factor(i)) as f32).collect()))
            }
            None if of_class.is_empty() => Ok(None),
            None => Ok(Some((0..data.len()).map(|i| class_factor(i) as f32).collect())),
        }
    }
}

/// Returns the factor of each held-out example: that of its class, 1 if its label is unknown.
/// `None` if all are 1.
pub(super) fn of_held_out(
    data: &Dataset,
    labels: &ClassLabels,
    of_class: &[f64],
) -> Option<Vec<f32>> {
    let factor = |&label: &f64| labels.class(label).map_or(1.0, |class| of_class[class] as f32);
    (!of_class.is_empty()).then(|| data.labels().iter().map(factor).collect())
}

#[cfg(test)]
mod tests;
