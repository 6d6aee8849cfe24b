"""Models of one program give the same predictions in the other.

wildsgd keeps feature values in f32, LIBLINEAR in f64. So the scores of a file differ by the rounding of its
values, which is a large share of a score whose parts cancel. Labels and probabilities are compared on the file
as it is. The predictions of a regression model must be within TOLERANCE relative to themselves where LIBLINEAR
gets the same rounded values, and relative to the largest prediction on the file as it is.
"""

import numpy as np
from liblinear.liblinearutil import load_model, predict, save_model, train

SETS = ["debian-packages", "a9a", "mushrooms", "phishing", "ijcnn1", "reuters-money-fx", "movie-reviews",
        "sentence-polarity"]
COLUMNS = [("data", 21), ("trained by", 28), ("bias", 4), ("rows", 6), ("unlike", 6),
           ("largest difference", 22), ("note", 0)]
TOLERANCE = 1e-6
LOSSES = ["logistic", "squared-hinge", "hinge", "squared", "huber", "epsilon-insensitive"]
REGRESSION = {"squared", "huber", "epsilon-insensitive", 11, 12, 13}
PROBABILITY = {"logistic", 0, 6, 7}
SOLVERS = [0, 1, 2, 3, 5, 6, 7, 11, 12, 13]
# Labels in place of -1 and +1. LIBLINEAR scores the first row's label positive, but of -1 and +1
# always +1.
RELABELINGS = [(0, 1), (1, 0), (1, 2), (2, 1)]


def rows(trainer, sets):
    for data in sets:
        yield from both_ways(trainer, data, LOSSES, SOLVERS)
    for labels in RELABELINGS:
        if sets:
            copy = sets[0].relabeled(trainer.scratch, labels)
            yield from both_ways(trainer, copy, ["logistic", "squared-hinge", "hinge"], [0, 1, 2, 3, 5, 6, 7])


def both_ways(trainer, data, losses, solvers):
    for loss in losses:
        for bias in (1, None):
            option = ["--no-bias"] if bias is None else ["--bias", bias]
            path = trainer.train(data.train.path, "--loss", loss, *option).path
            yield compare(trainer, data, f"wildsgd --loss {loss}", loss, bias, path)
    X, y = data.train.examples
    for solver in solvers:
        for bias in (1, None):
            path = trainer.scratch / "liblinear.model"
            save_model(str(path), train(y, X, f"-s {solver} -B {bias or -1} -q"))
            yield compare(trainer, data, f"LIBLINEAR -s {solver}", solver, bias, path)


def compare(trainer, data, author, kind, bias, path):
    """A row of the table: both programs' predictions of the test file by the model at `path`."""
    X, y = data.test.examples
    model = load_model(str(path))
    ours = trainer.predict(path, data.test.path)
    theirs, _, scores = (np.array(x) for x in predict(y, X, model, "-q"))
    note = []
    if kind in REGRESSION:
        rounded = predict(y, X.astype(np.float32).astype(float), model, "-q")[0]
        differences = relative(ours, rounded)
        far = np.abs(ours - theirs) > TOLERANCE * np.abs(theirs).max()
        unlike = int(((differences > TOLERANCE) | far).sum())
        largest = f"value {differences.max():.1e}"
        note.append(f"file as it is: absolute {np.abs(ours - theirs).max():.1e}, relative "
                    f"above {TOLERANCE:g} in {(relative(ours, theirs) > TOLERANCE).sum()}")
    else:
        differ = ours != theirs
        largest = "-"
        if differ.any():
            note.append(f"scores up to {np.abs(scores.ravel()[differ]).max():.1e}")
        if kind in PROBABILITY:
            ours = trainer.predict(path, data.test.path, "--proba")[:, 1:]
            theirs = np.array(predict(y, X, model, "-b 1 -q")[2])
            differences = np.abs(ours - theirs).max(axis=1)
            differ |= differences > TOLERANCE
            largest = f"probability {differences.max():.1e}"
        unlike = int(differ.sum())
    same = same_bytes(trainer, model, path)
    if not same:
        note.append("LIBLINEAR writes the model with other bytes")
    return unlike == 0 and same, data.name, author, bias or "none", len(y), unlike, largest, "; ".join(note)


def relative(ours, theirs):
    return np.abs(ours - theirs) / np.maximum(np.abs(theirs), np.finfo(float).tiny)


def same_bytes(trainer, model, path):
    """Whether LIBLINEAR writes the model that it read with the same bytes."""
    again = trainer.scratch / "again.model"
    save_model(str(again), model)
    return again.read_bytes() == path.read_bytes()
