#!/usr/bin/env python3
"""Checks wildsgd against LIBLINEAR and scikit-learn; see README.md.

Ends with status 0 if all checks pass, 1 if one fails or the command ends with an error, 2 on wrong usage.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import bias
import certified
import interoperability
import penalty
from sets import LAYOUT, find
from trainer import Trainer, TrainerFailed

ROOT = Path(__file__).resolve().parents[2]
CHECKS = {"interoperability": interoperability, "penalty": penalty, "bias": bias, "certified": certified}


def main():
    args = parse()
    sets = find(ROOT / "data", args.folder, args.sets)
    failed = total = 0
    with tempfile.TemporaryDirectory(prefix="wildsgd-peers-") as scratch:
        trainer = Trainer(args.wildsgd, Path(scratch))
        for name in args.checks:
            started = time.monotonic()
            print(f"== {name} ==", flush=True)
            rows = CHECKS[name].rows(trainer, [s for s in sets if args.sets or s.name in CHECKS[name].SETS])
            passed = print_table(CHECKS[name].COLUMNS, rows)
            failed += passed.count(False)
            total += len(passed)
            print(f"{len(passed) - passed.count(False)} of {len(passed)} passed, "
                  f"{time.monotonic() - started:.0f} s\n", flush=True)
    print(f"{'FAIL' if failed else 'PASS'}: {total - failed} of {total} checks passed")
    return 1 if failed or not total else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--wildsgd", type=Path, default=ROOT / "target/release/wildsgd",
        help="the command to check [default: target/release/wildsgd of this repository]")
    add("--folder", type=Path, help=f"more data sets: {LAYOUT}")
    add("--sets", type=names, help="only these data sets, in every check [default: each check's own choice]")
    add("--checks", type=names, default=list(CHECKS), help=f"only these of {','.join(CHECKS)}")
    args = parser.parse_args()
    for name in args.checks:
        if name not in CHECKS:
            parser.error(f"no check is called {name!r}; there are {', '.join(CHECKS)}")
    if not args.wildsgd.is_file():
        parser.error(f"{args.wildsgd} is missing; run `cargo build --release`, or give --wildsgd")
    if args.folder and not args.folder.is_dir():
        parser.error(f"{args.folder} is no folder")
    return args


def names(text):
    return [name for name in text.split(",") if name]


def print_table(columns, rows):
    """Prints rows as they come; each is (passed, cell, ...). Returns what passed."""
    widths = [max(len(title), width) for title, width in columns]
    print("result " + " ".join(f"{title:>{width}}" for (title, _), width in zip(columns, widths)))
    passed = []
    for ok, *cells in rows:
        passed.append(bool(ok))
        line = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths))
        print(f"{'PASS' if ok else 'FAIL'}   {line}", flush=True)
    return passed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (TrainerFailed, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, TrainerFailed) else 2)
