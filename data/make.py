#!/usr/bin/env python3
"""Makes a text classification set from Debian's package index: is this package a library?

One row is one binary package. The label is +1 if its section is libs or libdevel, else -1.
The features are the words, bigrams and trigrams of its lower-cased English description (short
and long), weighted by tf-idf = (1 + ln tf) ln(N / df) and scaled to Euclidean length 1. The
vocabulary and the document frequencies come from the training rows alone, a feature needs
--min-df training rows, and features are numbered by first appearance in the training file.

Rows are split by source package: the binary packages of one source share most of their
description, so a row-wise split would put near copies on both sides. Every choice (side of a
source, order of sources, order of rows) follows from SHA-256 of the seed and a name. Hence the
output depends on the lists and the options only, and with the same lists a smaller set takes its
rows from the same side as the full set does.

The input is two of apt's lists, plain or compressed in any way apt knows. Fetch them, on a Debian
machine, into a directory of your own (apt's own directory may lack the translations):

    mkdir -p lists/partial
    apt-get -o Dir::State::lists="$PWD/lists" -o Acquire::Languages=en update

Then, for the full set (about 50,000 training rows) and for a small one:

    python3 make.py --lists lists --out debian-full
    python3 make.py --lists lists --out debian-packages --train 6000 --test 1500 --per-source 20

A few sources build hundreds of near-identical packages, which would dominate a small set;
--per-source limits them.

This writes OUT.train.svm.zst and OUT.test.svm.zst, libsvm text with 1-based ascending indices.
It needs Python 3.8, apt and the zstd program; the full set takes a few minutes and 1 GB of
memory.
"""

import argparse
import hashlib
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, namedtuple
from pathlib import Path

LIBRARY_SECTIONS = {"libs", "libdevel"}
TEST_SHARE = 0.2
APT_HELPER = "/usr/lib/apt/apt-helper"

Package = namedtuple("Package", "name source label text")


def main():
    args = parse_args()
    if shutil.which("zstd") is None:
        sys.exit("the zstd program is missing; install the package zstd")
    prefix = f"*_dists_{args.suite}_{args.component}_"
    index = read_list(args.lists, f"{prefix}binary-{args.arch}_Packages")
    translation = read_list(args.lists, f"{prefix}i18n_Translation-en")
    packages = read_packages(index, read_descriptions(translation))
    train, test = split(packages, args)
    if not train:
        sys.exit("no training rows: the lists hold no package with an English description")

    df = document_frequencies(train, args.ngrams)
    features = {}
    for gram, count in df.items():
        if count >= args.min_df:
            features[gram] = (len(features) + 1, math.log(len(train) / count))
    note(f"features: {len(features)} of {len(df)} n-grams")
    del df

    for part, rows in (("train", train), ("test", test)):
        lines = (svm_line(p, features, args) for p in rows)
        write_zst(Path(f"{args.out}.{part}.svm.zst"), lines)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--lists", type=Path, required=True, help="directory that holds apt's lists")
    add("--out", required=True, help="path of the output files up to .train.svm.zst")
    add("--train", type=positive, help="number of training rows (default: all)")
    add("--test", type=positive, help="number of test rows (default: all)")
    add("--per-source", type=positive, help="rows taken of one source at most (default: all)")
    add("--seed", type=int, default=1, help="default: 1")
    add("--ngrams", type=positive, default=3, help="longest n-gram in words (default: 3)")
    add("--min-df", type=positive, default=2, help="training rows a feature needs (default: 2)")
    add("--digits", type=positive, default=4, help="significant digits of a value (default: 4)")
    add("--suite", default="bookworm", help="as in apt's file names (default: bookworm)")
    add("--component", default="main", help="default: main")
    add("--arch", default="amd64", help="default: amd64")
    return parser.parse_args()


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} (expected an integer of at least 1)")
    return value


def read_list(lists, pattern):
    """Text of the one list whose file name matches `pattern`, with or without a suffix."""
    paths = [p for suffix in ("", ".*") for p in lists.glob(pattern + suffix)]
    if len(paths) != 1:
        sys.exit(
            f"{lists}: {len(paths)} files match {pattern} (expected 1); "
            "--help says how to fetch apt's lists"
        )
    if paths[0].match(pattern):
        data = paths[0].read_bytes()
    else:
        command = [APT_HELPER, "cat-file", str(paths[0])]
        data = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    note(f"{paths[0].name}: sha256 of its text {hashlib.sha256(data).hexdigest()}")
    return data.decode("utf-8")


def read_descriptions(translation):
    """(package name, md5) -> description, without the marks of empty lines."""
    stanza = re.compile(r"Package: (\S+)\nDescription-md5: (\S+)\nDescription-en: (.*)", re.S)
    descriptions = {}
    for text in translation.split("\n\n"):
        m = stanza.match(text)
        if m:
            descriptions[m[1], m[2]] = re.sub(r"^ \.$", "", m[3], flags=re.M)
    return descriptions


def read_packages(index, descriptions):
    """The described packages of the index, the first stanza of each name."""
    wanted = re.compile(r"^(Package|Source|Section|Description-md5): (.*)$", re.M)
    packages = {}
    for stanza in index.split("\n\n"):
        field = dict(wanted.findall(stanza))
        text = descriptions.get((field.get("Package"), field.get("Description-md5")))
        if text is None or "Section" not in field or field["Package"] in packages:
            continue
        name = field["Package"]
        source = field.get("Source", name).split(" ")[0]
        section = field["Section"].split("/")[-1]
        label = "+1" if section in LIBRARY_SECTIONS else "-1"
        packages[name] = Package(name, source, label, text)
    return list(packages.values())


def note(message):
    print(message, file=sys.stderr)


def digest(*parts):
    return hashlib.sha256(":".join(map(str, parts)).encode()).digest()


def split(packages, args):
    """Training and test rows: whole sources of either side in seeded order, up to the limits."""
    by_source = {}
    for p in packages:
        by_source.setdefault(p.source, []).append(p)
    sides = {"train": [], "test": []}
    for source in sorted(by_source, key=lambda s: digest(args.seed, "order", s)):
        u = int.from_bytes(digest(args.seed, "side", source)[:8], "big") / 2**64
        side = sides["test" if u < TEST_SHARE else "train"]
        rows = sorted(by_source[source], key=lambda p: digest(args.seed, "row", p.name))
        side.extend(rows[: args.per_source])
    for side, limit in (("train", args.train), ("test", args.test)):
        rows = sides[side][:limit]
        rows.sort(key=lambda p: digest(args.seed, "row", p.name))
        positives = sum(p.label == "+1" for p in rows)
        sources = len({p.source for p in rows})
        note(f"{side}: {len(rows)} rows, {positives} positive, {sources} sources")
        sides[side] = rows
    return sides["train"], sides["test"]


def grams(text, longest):
    words = re.findall(r"\w+", text.lower())
    for n in range(1, longest + 1):
        for i in range(len(words) - n + 1):
            yield " ".join(words[i : i + n])


def document_frequencies(rows, longest):
    """Number of rows that hold each n-gram, in order of first appearance."""
    df = Counter()
    for p in rows:
        df.update(dict.fromkeys(grams(p.text, longest), 1))
    return df


def svm_line(package, features, args):
    """One line of libsvm text; a row without any known feature is its label alone."""
    row = []
    for gram, tf in Counter(grams(package.text, args.ngrams)).items():
        if gram in features:
            index, idf = features[gram]
            row.append((index, (1 + math.log(tf)) * idf))
    norm = math.sqrt(math.fsum(v * v for _, v in row))
    pairs = [f"{i}:{v / norm:.{args.digits}g}" for i, v in sorted(row) if v > 0]
    return " ".join([package.label] + pairs) + "\n"


def write_zst(path, lines):
    """Compresses the lines into `path`, which appears only once it is whole."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as out:
        command = ["zstd", "-q", "-19", "--single-thread", "-c"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out) as zstd:
            text = hashlib.sha256()
            for line in lines:
                data = line.encode("ascii")
                text.update(data)
                zstd.stdin.write(data)
        if zstd.returncode != 0:
            sys.exit(f"{temporary}: zstd failed with status {zstd.returncode}")
        os.fsync(out.fileno())
    temporary.replace(path)
    note(f"{path}: {path.stat().st_size} bytes, sha256 of its text {text.hexdigest()}")


if __name__ == "__main__":
    main()
