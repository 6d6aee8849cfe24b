"""Seconds from a text file to weights within 0.1 % of the optimum: wildsgd beside scikit-learn, LIBLINEAR's library, and
Snap ML, Vowpal Wabbit and the program liblinear-train (Debian's liblinear-tools) where they are installed.

    python seconds.py WILDSGD FILE.svm [FILE.svm ...]

`wildsgd bench scaling FILE.svm --peers PYTHON` runs this, and prints the same.

Logistic loss, l2 = 1/n, no bias, on all cores (peers have one thread, but Snap ML, which has all, too). Programs take turns, --runs times; medians are
printed. All weights are judged by one objective in f64. Each peer has the cheapest of its settings that arrives; its
search is not timed, nor are imports. The optimum is what wildsgd certifies at a gap of 1e-8 in f64.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from liblinear.liblinearutil import parameter, problem, train
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression, SGDClassifier

try:
    import snapml
except ImportError:
    snapml = None
try:
    import vowpalwabbit
except ImportError:
    vowpalwabbit = None

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
    if snapml:
        def snap(tol):
            # Its regularizer stands beside the sum of the losses.
            fit = snapml.LogisticRegression(
                regularizer=1.0, fit_intercept=False, tol=tol, max_iter=1000, n_jobs=os.cpu_count(), random_state=1
            )
            return fit.fit(X, y).coef_.ravel()

        yield "Snap ML", tolerances, snap


def vowpal(path, X, y):
    """(name, settings from cheap to dear, fit from a setting to weights), or nothing; reading its own text included."""
    if not vowpalwabbit:
        return
    text, bits = Path(tempfile.mkdtemp()) / "vw", max(18, int(X.shape[1]).bit_length())
    with text.open("w") as out:
        for i, label in enumerate(y):
            row = slice(X.indptr[i], X.indptr[i + 1])
            entries = " ".join(f"{j}:{x:.9g}" for j, x in zip(X.indices[row], X.data[row]))
            out.write(f"{label:g} | {entries}\n")

    def fit(passes):
        cache = text.with_suffix(".cache")
        cache.unlink(missing_ok=True)
        # L-BFGS takes the regularizer beside the sum of the losses.
        workspace = vowpalwabbit.Workspace(
            f"-d {text} --cache_file {cache} --passes {passes} --bfgs --mem 7 --l2 1 --loss_function logistic "
            f"--noconstant --termination 0 --holdout_off -b {bits} --hash strings --quiet"
        )
        w = np.array([workspace.get_weight(j) for j in range(X.shape[1])])
        workspace.finish()
        return w

    yield "Vowpal Wabbit --bfgs, text to weights", [5, 10, 20, 40, 80], fit


def liblinear_train(path, width):
    """(name, settings from cheap to dear, fit from a setting to weights), or nothing: text to model file."""
    if not shutil.which("liblinear-train"):
        return
    model = Path(tempfile.mkdtemp()) / "m"

    def run(solver):
        def fit(tol):
            subprocess.run(["liblinear-train", "-q", "-s", str(solver), "-c", "1", "-e", str(tol), path, model], check=True)
            return lambda: weights_of(model, width)

        return fit

    for solver in [0, 7]:
        yield f"liblinear-train -s {solver}, text to model", [1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4], run(solver)


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
    for name, settings, fit in itertools.chain(peers(X, y), vowpal(path, X, y), liblinear_train(path, X.shape[1])):
        # What is read from a model file is read outside the clock.
        reached = lambda weights: objective(X, y, weights() if callable(weights) else weights)
        cheapest = next((s for s in settings if reached(fit(s)) <= optimum * (1 + NEAR)), None)
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
    best = min(medians[name] for name in rows if "text to" not in name)
    whole = min(medians[name] for name in rows if name.startswith("scikit")) + medians["scikit-learn's reader"]
    factors = {
        "text to model, against scikit-learn": whole / medians["wildsgd, text to model"],
        "prepare and train, against the best peer": best / medians["wildsgd, prepare and train"],
    }
    programs = [medians[name] for name in rows if name.startswith("liblinear-train")]
    if programs:
        factors["text to model, against liblinear-train"] = min(programs) / medians["wildsgd, text to model"]
    for name, factor in factors.items():
        print(f"  {name}: {factor:.1f} times as fast", flush=True)
    return {"optimum": optimum, "seconds": medians, "factors": factors}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("data", nargs="+")
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--json", help="write medians and factors of each file here, too")
    options = arguments.parse_args()
    found = {file: compare(options.program, file, options.runs) for file in options.data}
    if options.json:
        Path(options.json).write_text(json.dumps(found))
