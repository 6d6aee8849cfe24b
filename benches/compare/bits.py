#!/usr/bin/env python3
"""Compares two builds of wildsgd bit for bit; see README.md.

Both train with all solvers, losses, strategies and options that are deterministic, save, predict,
evaluate, convert and inspect, and are refused. Models and other files, reports (but for clocks),
outputs and exit statuses have to be the same. Ends with status 1 if anything differs, 2 on wrong
usage.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases
import differences
import sets

# Files that wildsgd saves are synced, for which a disk takes long.
IN_MEMORY = Path("/dev/shm")
# Seconds from one word on progress to the next.
PROGRESS = 20


def main():
    args = parse()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wildsgd-bits-", dir=args.scratch) as scratch:
        scratch = Path(scratch)
        data = list(sets.made(scratch))
        data += [sets.cut(scratch, path, args.old) for path in args.sets]
        chosen = [case for case in cases.all_of(data) if is_wanted(case, args.only)]
        if args.list:
            print("\n".join(case.name for case in chosen))
            return 0
        pair = Pair(args.old, args.new, scratch, args.keep)
        counts = compare_all(chosen, pair, args.jobs)
    print(f"{counts['refused']} of {counts['commands']} commands were refused by both programs; "
          f"{counts['skipped']} cases skipped, as their threads race; "
          f"{time.monotonic() - started:.0f} s")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] or not counts["passed"] else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("old", type=Path, help="the command as it was")
    add("new", type=Path, help="the command as it is now")
    add("sets", nargs="*", type=Path, help="data sets: libsvm text, plain (.svm) or compressed")
    add("--only", action="append", default=[], metavar="SUBSTRING",
        help="only cases with this in their name (--list prints names); repeatable: all of them")
    add("--list", action="store_true", help="print the names of the cases, and do nothing")
    add("--jobs", type=int, default=os.cpu_count(), help="cases at a time [default: one a core]")
    add("--keep", type=Path, metavar="FOLDER", help="copy the files of cases that differ to FOLDER")
    add("--scratch", type=Path, metavar="FOLDER", help="for all other files [default: in memory]",
        default=IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None)
    args = parser.parse_args()
    args.old, args.new = args.old.resolve(), args.new.resolve()
    for path in (args.old, args.new):
        if not (path.is_file() and os.access(path, os.X_OK)):
            parser.error(f"{path} is no program")
    for path in args.sets:
        if not path.is_file():
            parser.error(f"{path} is missing")
    names = Counter([*sets.MADE, *map(sets.name_of, args.sets)])
    for name in (name for name, count in names.items() if count > 1):
        parser.error(f"there are two sets of the name {name}")
    return args


def is_wanted(case, parts):
    return all(part in case.name for part in parts)


def compare_all(chosen, pair, jobs):
    counts, last = Counter(), time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(pair.compare, range(len(chosen)), chosen)
        for done, (difference, count) in enumerate(results, 1):
            counts += count
            if difference:
                print(difference, flush=True)
            if time.monotonic() - last > PROGRESS:
                last = time.monotonic()
                print(f"{done} of {len(chosen)} cases", file=sys.stderr, flush=True)
    return counts


class Pair:
    """Two programs, and where they run."""

    def __init__(self, old, new, scratch, keep):
        self.programs = {"old": old, "new": new}
        self.scratch = scratch
        self.keep = keep

    def compare(self, number, case):
        """The line that says what differs, if anything does; and what is to be counted."""
        place = self.scratch / f"case-{number}"
        folders = {side: place / side for side in self.programs}
        for folder in folders.values():
            fill(folder, case.links)
        counts = Counter()
        difference = self.run(case, folders, counts)
        if difference and self.keep:
            kept = self.keep / place.name
            shutil.copytree(place, kept, dirs_exist_ok=True)
            difference += f" (in {kept})"
        shutil.rmtree(place)
        if not counts["skipped"]:
            counts["failed" if difference else "passed"] += 1
        return difference, counts

    def run(self, case, folders, counts):
        compared = set(case.links)
        for command in case.commands:
            old, new = (
                Run(program, command, folders[side], case.limit)
                for side, program in self.programs.items()
            )
            if case.strategy and old.strategy() != case.strategy:
                counts["skipped"] += 1
                return None
            difference = old.unlike(new, case, compared)
            if difference:
                return f"{case.named(command)}: {difference}"
            compared |= old.files.keys()
            counts["commands"] += 1
            counts["refused"] += old.status != 0
        return None


def fill(folder, links):
    """Makes a folder with these files: a path becomes a link, a text a file."""
    folder.mkdir(parents=True)
    for name, what in links.items():
        if isinstance(what, Path):
            (folder / name).symlink_to(what)
        else:
            (folder / name).write_text(what)
            os.utime(folder / name, (0, 0))  # Caches know the time of their text.


class Run:
    """What a command left."""

    def __init__(self, program, command, folder, limit):
        try:
            done = subprocess.run(
                [program, *command.split()], cwd=folder, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=limit,
            )
            self.status = done.returncode
            outputs = {"stdout": done.stdout, "stderr": done.stderr}
        except subprocess.TimeoutExpired:
            self.status, outputs = f"none after {limit} s", {}
        self.outputs = {name: text.decode(errors="replace") for name, text in outputs.items()}
        self.files = {path.name: path for path in sorted(folder.iterdir())}

    def strategy(self):
        """The strategy that the report names; none if the command was refused."""
        report = self.files.get("report.json")
        return report and differences.found(report.read_bytes(), "settings", "strategy")

    def unlike(self, new, case, compared):
        """The first difference to `new`; files in `compared` were looked at before."""
        if self.status != new.status:
            words = (new if new.status else self).outputs.get("stderr", "").strip()
            return f"exit status: {self.status} != {new.status} ({words[-200:]})"
        if self.files.keys() != new.files.keys():
            return f"files: {', '.join(self.files)} != {', '.join(new.files)}"
        # Reports say best what differs.
        for name in sorted(self.files.keys() - compared, key=is_report, reverse=True):
            texts = [run.files[name].read_bytes() for run in (self, new)]
            if is_report(name):
                difference = differences.of_reports(*texts, case.near)
            else:
                difference = differences.of_files(*texts)
            if difference:
                return f"{name}: {difference}"
        for name, text in self.outputs.items():
            difference = differences.of_outputs(text, new.outputs[name], case.in_order)
            if difference:
                return f"{name}: {difference}"
        return None


def is_report(name):
    return name.endswith(".json")


if __name__ == "__main__":
    sys.exit(main())
