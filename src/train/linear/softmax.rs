//! Fits of a [`Trainer`] to more than two classes at once: one vector for all.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use super::fit::wide;
use super::task::{Task, Weighted};
use super::{Trained, Trainer};
use crate::data::ClassLabels;
use crate::error::Result;
use crate::problem::{Problem, Softmax};
use crate::solver::{
    Convex, ConvexLoss, Evaluate, Event, Fit, Precision, Settings, Solver, interior, minimize,
    softmax,
};

impl Trainer {
    /// Fits one vector of weights for all classes, by their probabilities.
    pub(super) fn fit_softmax(
        &self,
        task: Task<'_>,
        labels: &ClassLabels,
        class_of: &[u32],
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Trained> {
        let Task { data, test, settings, started } = task;
        let classes =
            NonZeroUsize::new(labels.labels().len()).expect("a data set with labels has classes");
        let problem =
            Softmax::new(data.data, class_of, classes, self.bias.map(|bias| bias as f32))?;
        let problem = if self.free_bias { problem.with_free_bias() } else { problem };
        let problem = match data.weights {
            None => problem,
            Some(weights) => problem.with_weights(weights)?,
        };
        let (penalized, width) = (problem.penalized(), problem.width());
        self.check_memory(width, "join classes, or train one-vs-rest with `--loss logistic`")?;
        let shuffle_time = started.elapsed();
        let model = |weights: Vec<f64>| self.model(Some(labels), weights);
        let penalty = settings.penalty;
        let on_test = test.map(|test| {
            move |weights: &[f64]| {
                let penalty = penalty.value(&weights[..penalized]);
                model(weights.to_vec()).ok().map(|model| test.evaluate(&model, penalty))
            }
        });
        let targets = vec![0.0; class_of.len()];
        let examples = self.examples(data, &targets)?;
        let loss = ConvexLoss::OfClasses { count: classes.get(), of: class_of };
        let convex = Convex { examples: &examples, loss, penalty };
        let on_test = on_test.as_ref().map(|f| f as _);
        let solver = match self.choose(penalty) {
            Solver::Dual if settings.params.is_none() => Solver::Dual,
            Solver::Interior if self.solver == Solver::Interior => Solver::Interior,
            Solver::Saga | Solver::Interior if interior::is_affordable(convex) => Solver::Interior,
            _ => Solver::Sgd,
        };
        let fit = match solver {
            Solver::Sgd => self.certified(convex, &settings, on_test, watch, |watch| {
                self.minimize_softmax(&problem, &settings, on_test, watch)
            })?,
            Solver::Dual => self.certified(convex, &settings, on_test, watch, |watch| {
                softmax::fit(convex, &settings, on_test, watch)
            })?,
            _ => interior::fit(convex, &settings, None, on_test, watch)?,
        };
        data.data.verify()?;
        // Free memory before evaluation takes some.
        drop(problem);
        let penalty = penalty.value(&fit.weights[..penalized]);
        let (weights, fit) = fit.take_weights();
        let model = model(weights)?;
        let evaluate = |data: Weighted<'_>| data.evaluate(&model, penalty);
        Ok(Trained {
            train: evaluate(data),
            test: test.map(evaluate),
            prepare_time: shuffle_time + fit.prepare_time,
            solver,
            precision: if solver == Solver::Sgd { self.chosen_precision() } else { Precision::F64 },
            l2: settings.penalty.l2,
            classes: Vec::new(),
            class_weights: Vec::new(),
            model,
            fit,
        })
    }

    fn minimize_softmax(
        &self,
        problem: &Softmax<'_>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, f64>>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fit<f64>> {
        if self.chosen_precision() == Precision::F64 {
            return minimize(problem, settings, evaluate, watch);
        }
        let widened = evaluate.map(|evaluate| move |weights: &[f32]| evaluate(&wide(weights)));
        let fit: Fit<f32> = minimize(problem, settings, widened.as_ref().map(|f| f as _), watch)?;
        Ok(fit.map_weights(|weights| wide(&weights)))
    }
}
