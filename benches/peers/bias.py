"""The bias against LIBLINEAR's `-B 1`: the objective that is reached, and what the bias costs in epochs.

Logistic loss, C = 1 (l2 = 1/n), the bias regularized like any weight; beside it the same without a bias.
"""

import numpy as np
from liblinear.liblinearutil import save_model, train
from penalty import objective, reports
from trainer import read_weights

SETS = ["debian-packages", "a9a", "ijcnn1", "reuters-money-fx", "debian-desc"]
COLUMNS = [("data", 16), ("bias", 4), ("threads", 7), ("LIBLINEAR", 9), ("above %, seeds 1 to 3", 23),
           ("epochs", 11), ("rises", 11), ("largest rise %", 20), ("above % after epoch 1, 5, 10", 28)]
BAND = 0.01
THREADS = [1, 2, 8]
SEEDS = [1, 2, 3]


def rows(trainer, sets):
    for data in sets:
        X, y = data.train.examples
        for bias in (1, None):
            theirs = trainer.scratch / "liblinear.model"
            save_model(str(theirs), train(y, X, f"-s 0 -c 1 -e 1e-6 -B {bias or -1} -q"))
            optimum = objective(X, y, read_weights(theirs), 0, 1 / len(y), bias)
            for threads in THREADS:
                yield against(trainer, data, bias, threads, optimum)


def against(trainer, data, bias, threads, optimum):
    X, y = data.train.examples
    above, epochs, rises, largest, courses = [], [], [], [], []
    honest = True
    for seed in SEEDS:
        options = ["--no-bias"] if bias is None else []
        trained = trainer.train(data.train.path, "--threads", threads, "--seed", seed, *options)
        reached = objective(X, y, trained.weights(), 0, 1 / len(y), bias)
        honest &= reports(trained, reached)
        above.append(reached / optimum - 1)
        course = np.array([epoch["objective"] for epoch in trained.report["epochs"]])
        up = np.maximum(course[1:] / course[:-1] - 1, 0)
        epochs.append(trained.epochs)
        rises.append(int((up > 0).sum()))
        largest.append(100 * up.max(initial=0))
        courses.append([course[min(k, len(course)) - 1] / optimum - 1 for k in (1, 5, 10)])
    percent = " ".join(f"{100 * x:7.3f}" for x in above)
    course = " ".join(f"{100 * x:8.2f}" for x in np.max(courses, axis=0))
    return (honest and max(above) <= BAND, data.name, bias or "none", threads, f"{optimum:.6f}", percent,
            join(epochs), join(rises), " ".join(f"{x:6.2f}" for x in largest), course)


def join(numbers):
    return " ".join(f"{number:3}" for number in numbers)
