"""Data sets: pairs of libsvm files, plain or compressed with zstd."""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from sklearn.datasets import load_svmlight_file

LAYOUT = "NAME.train.svm and NAME.test.svm, or the same with .zst"
SUFFIXES = (".svm", ".svm.zst")


@dataclass(frozen=True)
class Part:
    """One file: its text, and its examples in f64 as LIBLINEAR and scikit-learn see them."""

    path: Path

    @property
    def text(self):
        if self.path.suffix != ".zst":
            return self.path.read_bytes()
        if shutil.which("zstd") is None:
            raise FileNotFoundError("the zstd program is missing; install the package zstd")
        return subprocess.run(["zstd", "-dcq", self.path], check=True, stdout=subprocess.PIPE).stdout

    @cached_property
    def examples(self):
        """(X, y): a CSR matrix and labels."""
        X, y = load_svmlight_file(BytesIO(self.text), zero_based=False)
        # scikit-learn's solver refuses the wide indices that its reader makes.
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
        return X, y


@dataclass(frozen=True)
class Set:
    name: str
    train: Part
    test: Part

    def relabeled(self, folder, labels):
        """A copy with other labels in place of -1 and +1."""
        name = f"{self.name} {labels[0]}/{labels[1]}"
        parts = [
            Part(folder / f"{self.name}-{labels[0]}-{labels[1]}.{part}.svm") for part in ("train", "test")
        ]
        for source, target in zip((self.train, self.test), parts):
            lines = (line.partition(b" ") for line in source.text.splitlines())
            target.path.write_bytes(b"".join(
                b"%d %s\n" % (labels[float(label) > 0], rest) for label, _, rest in lines
            ))
        return Set(name, *parts)


def find(own, folder, wanted):
    """The repository's own set and those of `folder`, in this order; or the wanted ones of these."""
    sets = {}
    for place in filter(None, (own, folder)):
        for train in sorted(place.glob("*.train.svm*")):
            name, suffix = train.name.split(".train", 1)
            tests = [place / f"{name}.test{suffix}" for suffix in SUFFIXES]
            test = next((test for test in tests if test.is_file()), None)
            if suffix in SUFFIXES and test:
                sets.setdefault(name, Set(name, Part(train), Part(test)))
    for name in wanted or []:
        if name not in sets:
            raise FileNotFoundError(f"no data set {name!r}; there are {', '.join(sets) or 'none'}")
    return [sets[name] for name in (wanted or sets)]
