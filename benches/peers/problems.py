"""Random small problems of families that go wrong elsewhere; a seed determines everything.

Values are exact in f32, as wildsgd keeps them.
"""

import numpy as np
from optima import REGRESSION, Problem

LOSSES = ("logistic", "hinge", "squared-hinge", "squared", "huber", "epsilon-insensitive", "softmax")
FAMILIES = (
    "plain", "scales", "huge-value", "offset", "outlier-rows", "duplicates", "constant", "separable",
    "imbalanced", "few-rows", "wide", "weights", "targets", "text",
)


def exact(x):
    """Rounds to f32."""
    return np.asarray(x, np.float32).astype(float)


def make(seed, family=None, loss=None):
    """(family, values, labels, weights or None, Problem, options of `wildsgd train`)"""
    random = np.random.default_rng(seed)
    family = family or str(random.choice(FAMILIES))
    loss = loss or str(random.choice(LOSSES))
    values = _values(random, family)
    labels = _labels(random, family, loss, values)
    rows, columns = values.shape
    cost = 10 ** (random.uniform(-3, 5) if random.random() < 0.8 else random.uniform(-9, 9))
    l1, l2, kind = 0.0, 1 / (cost * rows), random.random()
    if kind < 0.3:
        l1 = 10 ** random.uniform(-5, 0)
    if kind < 0.1 or kind > 0.98 and loss in ("squared", "huber"):
        l2 = 0.0
    bias = str(random.choice(["none", "one", "other", "free"], p=[0.2, 0.5, 0.1, 0.2]))
    constant = exact(10 ** random.uniform(-2, 3)) if bias == "other" else 1.0
    options = ["--loss", loss, "--l2", repr(float(l2)), "--l1", repr(float(l1))]
    options += ["--no-bias"] if bias == "none" else ["--bias", repr(float(constant))]
    options += ["--free-bias"] if bias == "free" else []
    weights = None
    if family == "weights":
        weights = exact(10 ** random.uniform(-12, 12, rows))
    elif random.random() < 0.1:
        weights = exact(random.uniform(0.1, 3, rows))
    with_bias = values if bias == "none" else np.hstack([values, np.full((rows, 1), constant)])
    targets = labels
    if loss not in (*REGRESSION, "softmax"):
        targets = np.where(labels == labels.max(), 1.0, -1.0)
    factors = np.ones(rows) if weights is None else weights
    problem = Problem(loss, with_bias, targets, l1, l2, bias == "free", factors)
    return family, values, labels, weights, problem, options


def _values(random, family):
    rows, columns = int(random.integers(20, 200)), int(random.integers(2, 30))
    if family == "few-rows":
        rows = int(random.integers(2, 20))
    if family == "wide":
        rows, columns = int(random.integers(5, 40)), int(random.integers(50, 150))
    x = random.normal(size=(rows, columns))
    if family == "text" or random.random() < 0.3:
        x *= random.random(x.shape) < 0.3
    if family == "scales":
        x *= 10.0 ** random.uniform(-12, 12, columns)
    if family == "huge-value":
        for _ in range(int(random.integers(1, 3))):
            x[random.integers(rows), random.integers(columns)] = 10.0 ** random.uniform(6, 12)
    if family == "offset":
        x[:, : max(1, columns // 3)] += random.choice([2000, 1e5, 1.7e9])
    if family == "outlier-rows":
        x[random.random(rows) < 0.1] *= 1e3
    if family == "duplicates":
        x[:, columns // 2 :] = x[:, : columns - columns // 2]
        x[rows // 2 :] = x[: rows - rows // 2]
    if family == "constant":
        x[:, 0], x[:, -1] = 5, 0
    return exact(x)


def _labels(random, family, loss, values):
    rows, columns = values.shape
    scores = values @ (random.normal(size=columns) / np.maximum(abs(values).max(0), 1e-30))
    if loss in REGRESSION:
        labels = scores + random.normal(size=rows) * 0.3
        if family == "targets":
            labels = labels * 10 ** random.uniform(0, 12) + random.choice([0, 1e6])
        return exact(labels)
    if loss == "softmax":
        classes = int(random.integers(3, 6))
        labels = (np.arange(rows) + random.integers(0, 2, rows)) % classes + 1.0
        first = min(rows, classes)
        labels[:first] = np.arange(1, first + 1)
        return labels
    noise = 0 if family == "separable" else random.normal(size=rows) * 0.7
    labels = np.where(scores + noise > (1.5 if family == "imbalanced" else 0), 1.0, -1.0)
    labels[0], labels[1] = 1, -1
    return labels


def text(values, labels):
    """The rows as libsvm text, with the fewest digits that read back as the values in f32."""
    def row(label, x):
        entries = " ".join(f"{j + 1}:{np.float32(v)!s}" for j, v in enumerate(x) if v)
        return f"{float(label)!r} {entries}".rstrip()

    return "".join(row(label, x).replace(".0 ", " ") + "\n" for label, x in zip(labels, values))
