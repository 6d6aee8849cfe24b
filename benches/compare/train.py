#!/usr/bin/env python3
"""Compares how fast two builds of wildsgd train; see README.md.

Programs take turns, and begin a round in turn, so that a machine that gets slower is the same for
both. Prints medians, their ratio (new by old), and the quartiles of the rounds' ratios, which say
what noise there is.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

STRATEGIES = (
    "sequential", "hogwild", "hogwild --update wild", "hogwild --update atomic",
    "hogwild --update split", "hogwild++", "sync", "ssp", "allreduce", "averaging", "locked",
    "round-robin",
)


def main():
    args = parse()
    programs = (args.old.resolve(), args.new.resolve())
    for path in args.sets:
        print(f"{path.name:<28} {'old':>10} {'new':>10} {'ratio':>7}   quartiles")
        for name, options, key, unit in _rows(args):
            pairs = _pairs(programs, path, options, key, args.runs)
            _print(name, pairs, unit)
    return 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("old", type=Path, help="the command as it was")
    add("new", type=Path, help="the command as it is now")
    add("sets", nargs="+", type=Path, help="data sets, as `wildsgd train` takes them")
    add("--runs", type=int, default=9, help="rounds [default: 9]")
    add("--threads", type=int, default=2, help="threads of the strategies [default: 2]")
    add("--only", default="", metavar="SUBSTRING", help="only rows with this in their name")
    return parser.parse_args()


def _rows(args):
    """(name, options, what of the report's `final`, its unit)"""
    rows = [("defaults: train", "", "train_seconds", "s")]
    for strategy in STRATEGIES:
        threads = 1 if strategy == "sequential" else args.threads
        options = f"--solver sgd --strategy {strategy} --epochs 3 --threads {threads}"
        rows.append((f"sgd {strategy}", options, "nonzeros_per_second", "M/s"))
    return [row for row in rows if args.only in row[0]]


def _pairs(programs, path, options, key, runs):
    """A number of each program in each round."""
    pairs = []
    for run in range(runs):
        order = (0, 1) if run % 2 == 0 else (1, 0)
        found = {side: _final(programs[side], path, options)[key] for side in order}
        pairs.append((found[0], found[1]))
    return pairs


def _final(program, path, options):
    with tempfile.TemporaryDirectory() as place:
        report = os.path.join(place, "report.json")
        command = [program, "train", path, "--quiet", "--report", report, *options.split()]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"`{' '.join(map(str, command))}` failed: {done.stderr.strip()}")
        return json.loads(Path(report).read_text())["final"]


def _print(name, pairs, unit):
    scale = 1e-6 if unit == "M/s" else 1
    old, new = (statistics.median(side) * scale for side in zip(*pairs))
    ratios = [new / old for old, new in pairs]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
    numbers = f"{old:>10.4g} {new:>10.4g} {new / old:>7.3f}   {low:.3f} to {high:.3f}"
    print(f"  {name:<26} {numbers} {unit}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
