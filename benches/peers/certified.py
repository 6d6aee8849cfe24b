"""`--solver saga` under l1 and elastic net, against LIBLINEAR's `-s 6` and scikit-learn's saga.

The objective is that of penalty.py; all weights are judged by its functions, in f64. LIBLINEAR minimizes
||w||_1 + C sum loss, which is P(w)/l1 for C = 1/(n l1).
"""

import time

import numpy as np
from liblinear.liblinearutil import parameter, problem, train
from penalty import lower_bound, objective, reports, saga

SETS = ["debian-packages", "a9a", "reuters-money-fx", "movie-reviews", "debian-desc"]
COLUMNS = [("data", 16), ("l1", 6), ("l2", 7), ("peer", 9), ("its gap", 8), ("its s", 6), ("threads", 7), ("seeds", 5),
           ("gap", 8), ("above peer", 10), ("bound", 8), ("s", 6), ("epochs", 6), ("kept: peer", 10), ("wildsgd", 7),
           ("unlike", 6)]
PENALTIES = [(1e-4, 0.0), (1e-5, 0.0), (1e-4, 1e-4)]
BAND = 1e-4
THREADS = [1, 2, 8]
SEEDS = [1, 2, 3, 4, 5]
TIE = 1e-2


def rows(trainer, sets):
    for data in sets:
        for l1, l2 in PENALTIES:
            yield from against_peer(trainer, data, l1, l2)


def against_peer(trainer, data, l1, l2):
    X, y = data.train.examples
    started = time.monotonic()
    peer = "sklearn" if l2 else "liblinear"
    theirs = saga(X, y, l1, l2)[0] if l2 else liblinear(X, y, l1)
    seconds = time.monotonic() - started
    reached = objective(X, y, theirs, l1, l2)
    known = lower_bound(X, y, theirs, l1, l2)
    for threads in THREADS:
        runs = [ours(trainer, data, l1, l2, threads, seed) for seed in SEEDS]
        known = max(known, *(lower_bound(X, y, w, l1, l2) for _, w in runs))
        objectives = [objective(X, y, w, l1, l2) for _, w in runs]
        worst = int(np.argmax(objectives))
        gap = objectives[worst] / known - 1
        above = objectives[worst] / reached - 1
        unlike = max(unlike_supports(X, y, theirs, w, l1) for _, w in runs)
        claims = [trained.report["final"]["gap"] for trained, _ in runs]
        passed = (gap <= BAND and above <= BAND and unlike == 0
                  and all(map(reports, (trained for trained, _ in runs), objectives))
                  and all(claim >= value / min(objectives) - 1 - 1e-9 for claim, value in zip(claims, objectives)))
        kept = [np.count_nonzero(theirs), np.count_nonzero(runs[worst][1])]
        yield (passed, data.name, f"{l1:g}", f"{l2:g}", peer, f"{reached / known - 1:.1e}", f"{seconds:.2f}", threads,
               len(SEEDS), f"{gap:.1e}", f"{above:.1e}", f"{max(claims):.1e}",
               f"{np.median([trained.report['final']['train_seconds'] for trained, _ in runs]):.2f}",
               max(trained.epochs for trained, _ in runs), *kept, unlike)


def ours(trainer, data, l1, l2, threads, seed):
    trained = trainer.train(data.train.path, "--solver", "saga", "--l1", l1, "--l2", l2, "--no-bias",
                            "--threads", threads, "--seed", seed, "--tolerance", 1e-6)
    return trained, trained.weights()


def liblinear(X, y, l1):
    options = parameter(f"-s 6 -c {1 / (l1 * len(y)):.17g} -e 1e-7 -B -1 -q")
    model = train(problem(y, X), options)
    weights = np.array(model.w[: X.shape[1]])
    return weights if model.label[0] == 1 else -weights


def unlike_supports(X, y, theirs, ours, l1):
    """Weights that are 0 in one vector alone, but for ties: features whose gradient is near what moves them off 0,
    or that others can stand in for."""
    a = 1 / (1 + np.exp(y * (X @ ours)))
    slack = 1 - np.abs(X.T @ (a * y)) / len(y) / l1
    return int(np.sum(((theirs == 0) != (ours == 0)) & (slack > TIE)))
