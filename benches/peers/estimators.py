"""Weights that scikit-learn's estimators find at their defaults, for the problems of optima.py."""

import numpy as np
from sklearn.linear_model import (
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.svm import LinearSVC, LinearSVR

from optima import EPSILON


def peers(problem):
    """(name, function to weights) of each estimator that has this objective."""
    n, l1, l2 = len(problem.targets), problem.l1, problem.l2
    free, both = problem.free_bias, l1 + l2
    ratio = l1 / both if both else 0.0
    # LIBLINEAR always regularizes the bias.
    if problem.loss in ("logistic", "softmax") and both:
        cost = 1 / (n * both)
        solvers = ["saga"] if l1 else ["lbfgs", "newton-cg", "saga"]
        if problem.loss == "logistic" and not free and ratio in (0.0, 1.0):
            solvers.append("liblinear")
        for solver in solvers:
            found = LogisticRegression(C=cost, l1_ratio=ratio, solver=solver, fit_intercept=free)
            yield f"LogisticRegression {solver}", _fit(problem, found)
    if problem.loss == "hinge" and l2 and not l1:
        if not free:
            yield "LinearSVC hinge", _fit(
                problem, LinearSVC(loss="hinge", C=1 / (n * l2), fit_intercept=False)
            )
        yield "SGDClassifier hinge", _fit(
            problem, SGDClassifier(loss="hinge", alpha=l2, fit_intercept=free, random_state=1)
        )
    if problem.loss == "squared-hinge" and not free and both and not (l1 and l2):
        penalty = "l1" if l1 else "l2"
        yield "LinearSVC squared-hinge", _fit(
            problem, LinearSVC(penalty=penalty, C=1 / (n * both), fit_intercept=False)
        )
    if problem.loss == "squared":
        if l1:
            # ElasticNet divides the weights of the examples by their mean.
            strength = both / problem.weights.mean()
            found = ElasticNet(alpha=strength, l1_ratio=ratio, fit_intercept=free)
        elif l2:
            found = Ridge(alpha=n * l2, fit_intercept=free)
        else:
            found = LinearRegression(fit_intercept=free)
        yield type(found).__name__, _fit(problem, found)
    if problem.loss == "epsilon-insensitive" and l2 and not l1 and not free:
        yield "LinearSVR", _fit(
            problem, LinearSVR(epsilon=EPSILON, C=1 / (n * l2), fit_intercept=False)
        )
    if problem.loss in ("huber", "epsilon-insensitive") and l2 and not l1:
        loss = problem.loss.replace("-", "_")
        width = 1.0 if problem.loss == "huber" else EPSILON
        yield f"SGDRegressor {problem.loss}", _fit(
            problem,
            SGDRegressor(loss=loss, epsilon=width, alpha=l2, fit_intercept=free, random_state=1),
        )


def _fit(problem, estimator):
    def weights():
        matrix = problem.matrix[:, :-1] if problem.free_bias else problem.matrix
        estimator.fit(matrix, problem.targets, sample_weight=problem.weights)
        coefficients = np.atleast_2d(estimator.coef_).T
        if problem.free_bias:
            coefficients = np.vstack([coefficients, np.atleast_1d(estimator.intercept_)])
        return coefficients if problem.loss == "softmax" else coefficients[:, 0]

    return weights
