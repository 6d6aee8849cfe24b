"""Least objectives of small problems, by code that shares nothing with wildsgd.

The objective is (1/n) sum c_i loss_i + l2/2 |w|^2 + l1 |w|_1, as the guide documents it. Smooth losses
without l1 are minimized by Newton's method in scaled coordinates, all others by an interior-point
method (Clarabel). A value is the objective at weights that were found: an upper bound of the least.
"""

from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np
from scipy.special import expit

REGRESSION = ("squared", "huber", "epsilon-insensitive")
# The default of 0.1, which wildsgd rounds to f32: by large weights of examples that is not little.
EPSILON = float(np.float32(0.1))


@dataclass
class Problem:
    """A problem in matrices; the bias, if there is one, is the last column of `matrix`."""

    loss: str
    matrix: np.ndarray
    targets: np.ndarray
    l1: float
    l2: float
    free_bias: bool
    weights: np.ndarray

    def penalties(self):
        """The strengths of l1 and l2 for each column."""
        both = [np.full(self.matrix.shape[1], strength) for strength in (self.l1, self.l2)]
        if self.free_bias:
            for strengths in both:
                strengths[-1] = 0
        return both

    def objective(self, w):
        """The objective at these weights; a column a class for softmax."""
        l1, l2 = self.penalties()
        shape = (-1, 1) if w.ndim == 2 else (-1,)
        regularizer = (l2.reshape(shape) / 2 * w * w + l1.reshape(shape) * abs(w)).sum()
        return float(self.weights @ self.losses(self.matrix @ w) / len(self.targets) + regularizer)

    def exactly(self, w):
        """The objective at these weights, in extended precision: large terms may cancel."""
        wide = np.longdouble
        return replace(
            self,
            matrix=self.matrix.astype(wide),
            targets=self.targets.astype(wide),
            weights=self.weights.astype(wide),
        ).objective(np.asarray(w, wide))

    def losses(self, s):
        y = self.targets
        if self.loss == "softmax":
            _, own = np.unique(y, return_inverse=True)
            top = s.max(axis=1)
            sums = np.exp(s - top[:, None]).sum(axis=1)
            return np.log(sums) + top - s[np.arange(len(y)), own]
        away, short = abs(y - s), np.maximum(0, 1 - y * s)
        return {
            "logistic": lambda: np.logaddexp(0, -y * s),
            "hinge": lambda: short,
            "squared-hinge": lambda: short**2,
            "squared": lambda: away**2 / 2,
            "huber": lambda: np.where(away <= 1, away**2 / 2, away - 0.5),
            "epsilon-insensitive": lambda: np.maximum(0, away - EPSILON),
        }[self.loss]()

    def zeros(self):
        columns = self.matrix.shape[1]
        many = self.loss == "softmax"
        return np.zeros((columns, len(np.unique(self.targets))) if many else columns)

    def scale(self):
        """The root of the curvature along each column, for a curvature of 1 by the score."""
        squares = (self.weights[:, None] * self.matrix**2).sum(0) / len(self.targets)
        scale = np.sqrt(squares + self.penalties()[1])
        return np.where(scale == 0, 1, scale)


def least(problem):
    """The lowest objective that was found; raises an exception if none was."""
    return find(problem)[0]


def find(problem):
    """(lowest objective that was found, whether its solver says that it is the optimum)

    The first is an upper bound of the optimum either way. Raises an exception if there is none.
    """
    smooth = ("logistic", "squared-hinge", "squared", "huber")
    if problem.l1 == 0 and problem.loss in smooth:
        w, arrived = _newton(problem)
    else:
        w, arrived = _interior(problem)
    return min(problem.exactly(w), problem.exactly(problem.zeros())), arrived


def _slopes(problem, s):
    y = problem.targets
    if problem.loss == "logistic":
        p = expit(-y * s)
        return -y * p, p * (1 - p)
    if problem.loss == "squared-hinge":
        return -2 * y * np.maximum(0, 1 - y * s), 2.0 * (y * s < 1)
    if problem.loss == "squared":
        return s - y, np.ones_like(s)
    return np.clip(s - y, -1, 1), 1.0 * (abs(s - y) <= 1)


def _newton(problem):
    scale, n = problem.scale(), len(problem.targets)
    scaled, squares = problem.matrix / scale, problem.penalties()[1] / scale**2
    v = np.zeros(len(scale))
    now = problem.objective(v)
    for _ in range(400):
        slope, curvature = _slopes(problem, scaled @ v)
        gradient = scaled.T @ (problem.weights * slope) / n + squares * v
        curvature = (problem.weights * curvature)[:, None]
        hessian = (scaled * curvature).T @ scaled / n + np.diag(squares)
        ridge = 1e-13 * max(1e-300, np.trace(hessian) / len(v))
        step = -np.linalg.solve(hessian + ridge * np.eye(len(v)), gradient)
        lengths = 0.5 ** np.arange(60.0)
        better = (t for t in lengths if problem.objective((v + t * step) / scale) < now)
        length = next(better, None)
        # Half of this is what a quadratic model would still take off.
        arrived = abs(gradient @ step) <= 1e-6 * abs(now)
        if length is None:
            break
        v = v + length * step
        now, before = problem.objective(v / scale), now
        if before - now < 1e-14 * abs(now):
            break
    return v / scale, arrived


def _interior(problem):
    y, n, scale = problem.targets, len(problem.targets), problem.scale()
    l1, l2 = (strengths[:, None] for strengths in problem.penalties())
    v = cp.Variable(problem.zeros().shape if problem.loss == "softmax" else (len(scale), 1))
    s = (problem.matrix / scale) @ v
    w = cp.multiply(np.repeat(1 / scale[:, None], v.shape[1], 1), v)
    if problem.loss == "softmax":
        own = np.eye(v.shape[1])[np.unique(y, return_inverse=True)[1]]
        losses = cp.log_sum_exp(s, axis=1) - cp.sum(cp.multiply(own, s), axis=1)
    else:
        s = s[:, 0]
        losses = {
            "logistic": lambda: cp.logistic(cp.multiply(-y, s)),
            "hinge": lambda: cp.pos(1 - cp.multiply(y, s)),
            "squared-hinge": lambda: cp.square(cp.pos(1 - cp.multiply(y, s))),
            "squared": lambda: cp.square(y - s) / 2,
            "huber": lambda: cp.huber(y - s, 1) / 2,
            "epsilon-insensitive": lambda: cp.pos(cp.abs(y - s) - EPSILON),
        }[problem.loss]()
    many = np.ones((1, v.shape[1]))
    goal = cp.sum(cp.multiply(problem.weights, losses)) / n
    goal += cp.sum_squares(cp.multiply(np.sqrt(l2 / 2) @ many, w))
    goal += cp.sum(cp.multiply(l1 @ many, cp.abs(w)))
    precise = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    task = cp.Problem(cp.Minimize(goal))
    task.solve(solver="CLARABEL", **precise)
    found = v.value / scale[:, None]
    return found if problem.loss == "softmax" else found[:, 0], task.status == cp.OPTIMAL
