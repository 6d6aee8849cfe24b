"""Data that both programs train on: small sets made here, and cuts of sets that are given."""

import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROWS, TEST_ROWS = 2000, 500
# With many classes, each of which is a fit; and features that are left, as fits write all weights.
ROWS_OF_MANY, FEATURES = 600, 50_000
SEED = 1
# More labels than that, or one that is no whole number, are amounts.
MOST_CLASSES = 100


@dataclass(frozen=True)
class Set:
    """A folder with `train`, `test` and `weights` (a number for each example of `train`)."""

    name: str
    folder: Path
    # All that occur, as they are written; none in ratings.
    labels: tuple = ()
    # The file that was cut, if the set was given.
    whole: Path = None

    @property
    def is_thorough(self):
        """Whether all options are tried together: there is no time for that on all sets."""
        return self.name in ("narrow", "wide")

    @property
    def kind(self):
        """`two`, `many` (classes), `amounts` or `ratings`."""
        if not self.labels:
            return "ratings"
        whole = all(float(label).is_integer() for label in self.labels)
        if len(self.labels) > MOST_CLASSES or not whole:
            return "amounts"
        return "two" if len(self.labels) <= 2 else "many"

    def links(self):
        """Names that commands use, and what they stand for."""
        names = ("train", "test", "weights")
        links = {name: self.folder / name for name in names if (self.folder / name).exists()}
        return links | ({"whole": self.whole} if self.whole else {})


# Names of the sets that are made here.
MADE = ("narrow", "wide", "ones", "classes", "amounts", "ratings")


def made(folder):
    """The sets that are made here, the same in every run."""
    yield _write(folder, "narrow", _examples(5000, 30, 6, _sign))
    yield _write(folder, "wide", _examples(1500, 5000, 20, _sign))
    yield _write(folder, "ones", _examples(1500, 400, 15, _sign, ones=True))
    yield _write(folder, "classes", _examples(900, 60, 8, _class))
    yield _write(folder, "amounts", _examples(1200, 80, 8, _amount))
    place = folder / "ratings"
    place.mkdir()
    lines = _ratings(80, 60, 2500)
    (place / "train").write_text("".join(lines[:2000]))
    (place / "test").write_text("".join(lines[2000:]))
    yield Set("ratings", place)


def name_of(path):
    """What a set is called."""
    return path.name.split(".")[0]


def cut(folder, path, program):
    """Some rows of the file `path`, spread evenly over it, without the features from `FEATURES` on;
    `program` unpacks what is compressed."""
    name = name_of(path)
    text = path
    if path.suffix not in (".svm", ".txt", ".libsvm"):
        text = folder / f"{name}.svm"
        unpack = [program, "convert", path, text, "--to", "libsvm", "--quiet"]
        subprocess.run(unpack, check=True)
    lines = [line for line in text.read_bytes().splitlines() if line.strip()]
    if text != path:
        text.unlink()
    many = len({line.split(None, 1)[0] for line in lines}) > 2
    train = _spread(lines, ROWS_OF_MANY if many else ROWS, 0)
    test = _spread(lines, TEST_ROWS, len(lines) // TEST_ROWS // 2)
    return _write(folder, name, (train, test), path.resolve())


def _spread(lines, count, start):
    chosen = lines[start::max(1, len(lines) // count)][:count]
    return [" ".join(_narrowed(line.decode().split())) for line in chosen]


def _narrowed(words):
    label, *entries = words
    return [label, *(entry for entry in entries if int(entry.partition(":")[0]) < FEATURES)]


def _write(folder, name, lines, whole=None):
    train, test = lines
    place = folder / name
    place.mkdir()
    (place / "train").write_text("".join(f"{line}\n" for line in train))
    (place / "test").write_text("".join(f"{line}\n" for line in test))
    weights = "".join(f"{(i * i + 3) % 7 / 4}\n" for i in range(len(train)))
    (place / "weights").write_text(weights)
    labels = {line.split(None, 1)[0] for line in train if line.strip()}
    return Set(name, place, tuple(sorted(labels, key=float)), whole)


def _sign(score):
    return "+1" if score > 0 else "-1"


def _class(score):
    return "12359"[min(4, max(0, int(1.2 * score + 2.5)))]


def _amount(score):
    return f"{round(2 * score) / 2:g}"


def _examples(rows, features, entries, label, ones=False):
    """Lines to train on and lines to test on, of a linear model with noise."""
    draw = random.Random(f"{SEED} {rows} {features}")
    weights = [draw.gauss(0, 1) for _ in range(features)]
    lines = []
    for i in range(rows + rows // 4):
        # Few features are frequent, many are rare; some rows are empty, and some entries are 0.
        count = 0 if i % 97 == 96 else 1 + int(draw.random() * 2 * entries)
        drawn = {int(features * draw.random() ** 3) for _ in range(count)}
        row = {j: 1.0 if ones else round(draw.gauss(0, 1), 3) for j in sorted(drawn)}
        if not ones and i % 53 == 52:
            row = {j: 0.0 if j % 2 else x for j, x in row.items()}
        score = sum(weights[j] * x for j, x in row.items()) / entries ** 0.5 + draw.gauss(0, 0.4)
        lines.append(" ".join([label(score), *(f"{j + 1}:{x:.4g}" for j, x in row.items())]))
    return lines[:rows], lines[rows:]


def _ratings(users, items, count):
    draw = random.Random(f"{SEED} ratings")
    tastes = [[draw.gauss(0, 1) for _ in range(3)] for _ in range(users)]
    traits = [[draw.gauss(0, 1) for _ in range(3)] for _ in range(items)]
    lines = []
    for _ in range(count):
        user, item = int(users * draw.random() ** 2), int(items * draw.random())
        fit = sum(a * b for a, b in zip(tastes[user], traits[item]))
        lines.append(f"u{user}\tfilm-{item}\t{3 + fit + draw.gauss(0, 0.3):.3f}\n")
    return lines
