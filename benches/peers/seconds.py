"""Seconds from a text file to weights within 0.1 % of the optimum: wildsgd beside scikit-learn and LIBLINEAR's library.

    python seconds.py WILDSGD FILE.svm [FILE.svm ...]

Logistic loss, l2 = 1/n, no bias, on all cores (peers have one thread). Programs take turns, --runs times; medians are
printed. All weights are judged by one objective in f64. Each peer has the cheapest of its settings that arrives; its
search is not timed, nor are imports. The optimum is what wildsgd certifies at a gap of 1e-8 in f64.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from liblinear.liblinearutil import parameter, problem, train
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression, SGDClassifier

NEAR = 1e-3


def objective(X, y, w):
    """Mean logistic loss plus w.w/(2n), in f64."""
    return np.logaddexp(0, -y * (X @ w)).mean() + w @ w / (2 * len(y))


def weights_of(model, width):
    """The weights of a LIBLINEAR model file for label +1."""
    lines = Path(model).read_text().splitlines()
    labels = next(line for line in lines if line.startswith("label ")).split()[1:]
    w = np.array([float(line.split()[0]) for line in lines[lines.index("w") + 1 :]])
    return np.pad(w, (0, width - len(w))) * (1 if float(labels[0]) > 0 else -1)


def ours(program, path, *more):
    """(report, model file's name) of a training."""
    folder = Path(tempfile.mkdtemp())
    call = [program, "train", path, "--no-bias", "--quiet", "--model", folder / "m", "--report", folder / "r", *more]
    subprocess.run([str(part) for part in call], check=True)
    return json.loads((folder / "r").read_text()), folder / "m"


def peers(X, y):
    """(name, settings from cheap to dear, fit from a setting to weights)."""
    n = len(y)

    def sgd(epochs):
        fit = SGDClassifier(loss="log_loss", alpha=1 / n, fit_intercept=False, max_iter=epochs, tol=None, random_state=1)
        return fit.fit(X, y).coef_[0]

    def logistic(solver):
        def fit(tol):
            with_tol = LogisticRegression(C=1.0, fit_intercept=False, solver=solver, tol=tol, max_iter=1000)
            return with_tol.fit(X, y).coef_[0]

        return fit

    prob = problem(y, X)

    def liblinear(solver):
        def fit(tol):
            model = train(prob, parameter(f"-s {solver} -c 1 -e {tol} -q"))
            w = np.array([model.w[k] for k in range(model.nr_feature)])
            return w if model.get_labels()[0] > 0 else -w

        return fit

    tolerances = [1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4]
    yield "scikit-learn SGDClassifier", [2, 3, 5, 8, 12, 20, 40], sgd
    yield "scikit-learn saga", tolerances, logistic("saga")
    yield "scikit-learn lbfgs", tolerances, logistic("lbfgs")
    yield "LIBLINEAR -s 0", tolerances, liblinear(0)
    yield "LIBLINEAR -s 7", tolerances, liblinear(7)


def timed(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def compare(program, path, runs):
    X, y = load_svmlight_file(path)
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    y = np.where(y == y.max(), 1.0, -1.0)
    certified, _ = ours(program, path, "--tolerance", 1e-8, "--precision", "f64")
    optimum = certified["final"]["objective"]
    rows = {}
    for name, settings, fit in peers(X, y):
        cheapest = next((s for s in settings if objective(X, y, fit(s)) <= optimum * (1 + NEAR)), None)
        if cheapest is not None:
            rows[f"{name} ({cheapest:g})"] = (fit, cheapest)
    times = {name: [] for name in ["wildsgd, text to model", "wildsgd, prepare and train", "scikit-learn's reader", *rows]}
    for _ in range(runs):
        report, model = ours(program, path)
        assert objective(X, y, weights_of(model, X.shape[1])) <= optimum * (1 + NEAR)
        times["wildsgd, text to model"].append(report["final"]["total_seconds"])
        times["wildsgd, prepare and train"].append(report["prepare_seconds"] + report["final"]["train_seconds"])
        times["scikit-learn's reader"].append(timed(lambda: load_svmlight_file(path))[0])
        for name, (fit, setting) in rows.items():
            times[name].append(timed(lambda: fit(setting))[0])
    medians = {name: statistics.median(all_of) for name, all_of in times.items()}
    print(f"{Path(path).name}: optimum {optimum:.8f}")
    for name, seconds in medians.items():
        print(f"  {seconds:8.3f} s  {name}")
    best = min(medians[name] for name in rows)
    whole = min(medians[name] for name in rows if name.startswith("scikit")) + medians["scikit-learn's reader"]
    print(f"  text to model: {whole / medians['wildsgd, text to model']:.1f} times as fast as scikit-learn")
    print(f"  prepare and train: {best / medians['wildsgd, prepare and train']:.1f} times as fast as the best peer", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("data", nargs="+")
    arguments.add_argument("--runs", type=int, default=5)
    options = arguments.parse_args()
    for file in options.data:
        compare(options.program, file, options.runs)
