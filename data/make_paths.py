#!/usr/bin/env python3
"""Makes a large, binary data set from Debian's file index: is this file documentation?

One row is one installed file. The label is +1 if the package that owns it is of section doc, else -1. The features are
what URL classifiers use, each present or not: the components of the path, pairs of adjacent components, lower-cased words
and numbers inside components, the extension, and the depth. The vocabulary comes from the training rows alone, a feature
needs --min-df training rows, and features are numbered by first appearance there. All values are 1.

Rows are split by source package, in a random order of --seed, and then shuffled: the output depends on the lists and
the options only.

The input is three files of a Debian mirror:

    M=http://deb.debian.org/debian/dists/bookworm/main
    curl -O $M/Contents-all.gz -O $M/Contents-amd64.gz -O $M/binary-amd64/Packages.xz
    python3 make_paths.py --lists . --out debian-paths

This writes OUT.train.svm and OUT.test.svm, libsvm text with 1-based ascending indices: 5,534,990 training rows with
141,792,162 entries and 1,649,864 features, and 1,781,638 test rows. It needs Python 3.8, five minutes, 5 GB of memory and
1.2 GB on disk.
"""

import argparse
import gzip
import lzma
import random
import re
import sys
from array import array
from pathlib import Path

TEST_SHARE = 0.2
WORD = re.compile(r"[A-Za-z]+|[0-9]+")


def main():
    args = parse_args()
    sources = read_sources(args.lists / f"Packages{args.suffix}")
    rng = random.Random(args.seed)
    names = sorted(set(sources.values()))
    rng.shuffle(names)
    test = set(names[: int(TEST_SHARE * len(names))])
    rows = []
    for arch in ("all", "amd64"):
        rows += read_rows(args.lists / f"Contents-{arch}.gz", sources, test)
    rng.shuffle(rows)
    sides = {"train": [], "test": []}
    for path, label, side in rows:
        sides[side].append((path, label))
    del rows
    vocabulary, counts = {}, array("I")
    train = number(sides["train"], vocabulary, counts)
    final = array("I", bytes(4 * len(counts)))
    kept = 0
    for token, count in enumerate(counts):
        if count >= args.min_df:
            kept += 1
            final[token] = kept
    note(f"features: {kept} of {len(counts)} tokens")
    write(Path(f"{args.out}.train.svm"), sides["train"], train, final)
    known = ((vocabulary[t] for t in tokens(path) if t in vocabulary) for path, _ in sides["test"])
    write(Path(f"{args.out}.test.svm"), sides["test"], known, final)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--lists", type=Path, required=True, help="directory that holds the three files")
    add("--out", required=True, help="path of the output files up to .train.svm")
    add("--seed", type=int, default=42, help="default: 42")
    add("--min-df", type=int, default=2, help="training rows a feature needs (default: 2)")
    add("--suffix", default=".xz", help="suffix of Packages, .xz or .gz (default: .xz)")
    return parser.parse_args()


def note(message):
    print(message, file=sys.stderr)


def lines(path):
    opened = lzma.open if path.suffix == ".xz" else gzip.open
    return opened(path, "rt", encoding="utf-8", newline="\n")


def read_sources(path):
    """Source package of each package."""
    sources, name = {}, None
    with lines(path) as text:
        for line in text:
            if line.startswith("Package: "):
                name = line[9:].strip()
                sources.setdefault(name, name)
            elif line.startswith("Source: "):
                sources[name] = line[8:].split()[0]
    return sources


def read_rows(path, sources, test):
    """Path, label and side of each file whose package is known; the first owner counts."""
    rows = []
    with lines(path) as text:
        for line in text:
            name, owners = line.rstrip().rsplit(None, 1)
            section, _, package = owners.split(",")[0].rpartition("/")
            if package in sources:
                label = "+1" if section.split("/")[-1] == "doc" else "-1"
                rows.append((name, label, "test" if sources[package] in test else "train"))
    note(f"{path}: {len(rows)} rows")
    return rows


def tokens(path):
    """The features of a path, each once."""
    parts = path.split("/")
    found = ["c=" + part for part in parts]
    found += [f"b={a}/{b}" for a, b in zip(parts, parts[1:])]
    found += ["w=" + word.lower() for part in parts for word in WORD.findall(part)]
    if "." in parts[-1]:
        found.append("x=" + parts[-1].rsplit(".", 1)[1].lower())
    found.append(f"d={len(parts)}")
    return dict.fromkeys(found)


def number(rows, vocabulary, counts):
    """The tokens of each row as numbers by first appearance; counts the rows of each."""
    numbered = []
    for path, _ in rows:
        row = array("I")
        for token in tokens(path):
            known = vocabulary.setdefault(token, len(counts))
            if known == len(counts):
                counts.append(0)
            counts[known] += 1
            row.append(known)
        numbered.append(row)
    return numbered


def write(path, rows, numbered, final):
    """Writes libsvm text into `path`, which appears only once it is whole."""
    temporary = path.with_name(path.name + ".tmp")
    count = entries = 0
    with open(temporary, "w", encoding="ascii") as out:
        for (_, label), row in zip(rows, numbered):
            features = sorted(final[token] for token in row if final[token])
            out.write(" ".join([label] + [f"{feature}:1" for feature in features]) + "\n")
            count += 1
            entries += len(features)
    temporary.replace(path)
    note(f"{path}: {count} rows, {entries} entries")


if __name__ == "__main__":
    main()
