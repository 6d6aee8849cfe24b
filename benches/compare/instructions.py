#!/usr/bin/env python3
"""Counts the instructions of one epoch with two builds of the bench `visit`; see README.md.

Each row of the bench runs under callgrind with a few passes and with one; what the others add is
the epoch, without reading the data and preparing. Counts do not depend on what else the machine
does.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

OWN = Path(__file__).resolve().parents[2] / "data/debian-packages.train.svm.zst"
# The rows with one thread: others wait in loops.
ROWS = ("stream", "dot", *(f"{loss} {how}" for loss in ("logistic", "hinge")
                           for how in ("plain", "sequential", "hogwild 1")))


def main():
    args = parse()
    with tempfile.TemporaryDirectory(prefix="wildsgd-instructions-") as place:
        place = Path(place)
        data = place / "data.svm"
        entries = _cut(args.data, data, args.lines)
        tasks = list(product(args.rows, (args.old, args.new)))
        epoch = lambda task: _epoch(task[1], data, task[0], args.passes, place)
        print(f"{args.data.name}, {entries} non-zeros: instructions of an epoch")
        print(f"{'row':<22} {'old':>14} {'new':>14} {'a non-zero':>16} {'ratio':>8}")
        with ThreadPoolExecutor(args.jobs) as pool:
            counts = pool.map(epoch, tasks)
            for row in args.rows:
                old, new = next(counts), next(counts)
                each = f"{old / entries:.2f} {new / entries:.2f}"
                numbers = f"{old:>14,.0f} {new:>14,.0f} {each:>16} {new / old:>8.4f}"
                print(f"{row:<22} {numbers}", flush=True)
    return 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("old", type=Path, help="the bench as it was: target/release/deps/visit-*, with `--row`")
    add("new", type=Path, help="the bench as it is now")
    add("--data", type=Path, default=OWN,
        help="libsvm text, plain or .zst [default: the repository's own]")
    add("--lines", type=int, default=5000,
        help="rows to take of it [default: 5000; from 4096 on, they are visited as large sets are]")
    add("--rows", type=lambda text: tuple(text.split(",")), default=ROWS,
        help=f"rows of the bench, with commas [default: {','.join(ROWS)}]")
    add("--passes", type=int, default=10, help="epochs to take the mean of [default: 10]")
    add("--jobs", type=int, default=os.cpu_count(), help="runs at a time [default: one a core]")
    args = parser.parse_args()
    args.old, args.new = args.old.resolve(), args.new.resolve()
    for path in (args.old, args.new, args.data):
        if not path.is_file():
            parser.error(f"{path} is missing")
    return args


def _cut(path, out, count):
    """Writes the first rows of a set; gives their number of entries."""
    unpack = ["zstd", "-dcq"] if path.suffix == ".zst" else ["cat"]
    text = subprocess.run([*unpack, path], check=True, stdout=subprocess.PIPE).stdout
    lines = text.splitlines(keepends=True)[:count]
    out.write_bytes(b"".join(lines))
    return sum(line.count(b":") for line in lines)


def _epoch(program, data, row, passes, place):
    """Instructions of one pass."""
    one, more = (_instructions(program, data, row, count, place) for count in (1, 1 + passes))
    return (more - one) / passes


def _instructions(program, data, row, passes, place):
    with tempfile.NamedTemporaryFile(dir=place) as out:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", program,
                   data, "--row", row, str(passes)]
        # On one processor, one thread reads the data.
        alone = ["taskset", "--cpu-list", str(random.choice(list(os.sched_getaffinity(0))))]
        done = subprocess.run([*alone, *command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{program} failed; does it have the option `--row`?\n{done.stderr[-500:]}")
        lines = Path(out.name).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("totals:"))


if __name__ == "__main__":
    sys.exit(main())
