"""The objective under l1 and l2, against scikit-learn's saga.

    P(w) = mean logistic loss + l2/2 ||w||^2 + l1 ||w||_1

scikit-learn minimizes C sum loss + (1 - r)/2 ||w||^2 + r ||w||_1, which is n C P(w) for C = 1/(n (l1 + l2))
and r = l1/(l1 + l2). Both weight vectors are judged by the same functions here, in f64.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

SETS = ["debian-packages", "a9a", "reuters-money-fx"]
COLUMNS = [("data", 16), ("l1", 7), ("l2", 8), ("threads", 7), ("seed", 4), ("saga", 9), ("its gap %", 9),
           ("passes", 6), ("wildsgd", 9), ("above %", 7), ("epochs", 6), ("zeros: saga", 11), ("wildsgd", 7)]
BAND = 0.02
L1 = [1e-4, 1e-3]
THREADS = [1, 2]
SEEDS = [1, 2, 3]
MOST_PASSES = 3000


def rows(trainer, sets):
    for data in sets:
        X, y = data.train.examples
        for l1 in L1:
            for l2 in (0.0, 1e-4, 1 / len(y)):
                yield from against_saga(trainer, data, l1, l2)


def against_saga(trainer, data, l1, l2):
    X, y = data.train.examples
    theirs, passes = saga(X, y, l1, l2)
    optimum = objective(X, y, theirs, l1, l2)
    gap = optimum - lower_bound(X, y, theirs, l1, l2)
    for threads in THREADS:
        for seed in SEEDS:
            options = ["--l1", l1, "--l2", l2, "--no-bias", "--threads", threads, "--seed", seed]
            trained = trainer.train(data.train.path, *options)
            ours = trained.weights()
            reached = objective(X, y, ours, l1, l2)
            above = reached / optimum - 1
            zeros = [float(np.mean(w == 0)) for w in (theirs, ours)]
            passed = above <= BAND and (zeros[1] > 0 or zeros[0] == 0) and reports(trained, reached)
            yield (passed, data.name, f"{l1:g}", f"{l2:.2g}", threads, seed, f"{optimum:.6f}",
                   f"{100 * gap / optimum:.3f}", passes, f"{reached:.6f}", f"{100 * above:.3f}",
                   trained.epochs, f"{100 * zeros[0]:.2f} %", f"{100 * zeros[1]:.2f} %")


def reports(trained, objective):
    """Whether the command's own objective is the one of its model."""
    return abs(trained.report["final"]["objective"] / objective - 1) <= 1e-6


def saga(X, y, l1, l2):
    """Weights, and the passes over the data that they took."""
    model = LogisticRegression(solver="saga", C=1 / (len(y) * (l1 + l2)), l1_ratio=l1 / (l1 + l2),
                               fit_intercept=False, tol=1e-6, max_iter=MOST_PASSES, random_state=1)
    with warnings.catch_warnings():
        # The gap in the table says how far it came.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    assert list(model.classes_) == [-1, 1]
    return model.coef_[0], int(model.n_iter_[0])


def objective(X, y, w, l1, l2, bias=None):
    """P(w). With `bias`, the last weight is that of a constant feature of this value, regularized too."""
    score = X @ w if bias is None else X @ w[:-1] + bias * w[-1]
    return np.mean(np.logaddexp(0, -y * score)) + l2 / 2 * (w @ w) + l1 * np.abs(w).sum()


def lower_bound(X, y, w, l1, l2):
    """The dual objective at the point that belongs to w: no weights have a P below it.

    With a_i in [0, 1] and v = X^T (a y)/n, the dual is mean entropy(a) - sum max(|v_j| - l1, 0)^2 / (2 l2);
    without l2 all |v_j| must be l1 at most, so a is scaled down until they are.
    """
    a = 1 / (1 + np.exp(y * (X @ w)))
    v = X.T @ (a * y) / len(y)
    if l2 == 0:
        a *= min(1, l1 / np.abs(v).max())
    a = np.clip(a, 1e-300, 1 - 1e-16)
    entropy = -np.mean(a * np.log(a) + (1 - a) * np.log1p(-a))
    excess = np.maximum(np.abs(v) - l1, 0)
    return entropy - (excess @ excess / (2 * l2) if l2 else 0)
