#!/usr/bin/env python3
"""Trains random small problems, and compares each end with an independent optimum; see README.md.

Ends with status 1 if a certificate is false, a fit is worse than zero weights, fails or hangs.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import optima
import problems

ROOT = Path(__file__).resolve().parents[2]
# A false certificate is one by more than what an objective in doubles may be off by.
ROUNDING = 1e-8
FATAL = ("false certificate", "worse than zero", "error", "hang")


def main():
    args = parse()
    warnings.filterwarnings("ignore")
    verdicts, slowest = Counter(), 0.0
    by_family, by_loss = {}, {}
    with tempfile.TemporaryDirectory(prefix="wildsgd-differential-") as place:
        place = args.keep or Path(place)
        seeds = range(args.seed, args.seed + args.fits)
        tasks = [(seed, args, place) for seed in seeds]
        out = open(args.out, "w") if args.out else None
        with ProcessPoolExecutor(args.jobs) as pool:
            for found in pool.map(_fit, tasks, chunksize=8):
                if found is None:
                    continue
                verdicts[found["verdict"]] += 1
                by_family.setdefault(found["family"], Counter())[found["verdict"]] += 1
                by_loss.setdefault(found["loss"], Counter())[found["verdict"]] += 1
                slowest = max(slowest, found.get("seconds", 0))
                if found["verdict"] not in ("certified", "no reference"):
                    print(f"{found['verdict']}: seed {found['seed']} {found['command']}")
                    print(f"    {found.get('why', '')}", flush=True)
                if out:
                    out.write(json.dumps(found) + "\n")
    for title, table in (("family", by_family), ("loss", by_loss)):
        print(f"\n{title:<22}" + "".join(f"{verdict:>20}" for verdict in sorted(verdicts)))
        for name, counts in sorted(table.items()):
            print(f"{name:<22}" + "".join(f"{counts[verdict]:>20}" for verdict in sorted(verdicts)))
    judged = sum(verdicts.values()) - verdicts["no reference"]
    within = verdicts["certified"] + verdicts["within"]
    share = 100 * within / max(1, judged)
    print(f"\n{within} of {judged} fits ({share:.2f} %) end within the tolerance, {verdicts['certified']}"
          f" of them certified; the slowest took {slowest:.2f} s")
    return 1 if any(verdicts[verdict] for verdict in FATAL) else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--fits", type=int, default=1000, help="number of problems [default: 1000]")
    add("--seed", type=int, default=1, help="seed of the first one [default: 1]")
    add("--wildsgd", type=Path, default=ROOT / "target/release/wildsgd",
        help="the command [default: target/release/wildsgd]")
    add("--family", choices=problems.FAMILIES, help="problems of this family alone")
    add("--loss", choices=problems.LOSSES, help="problems of this loss alone")
    add("--options", default="", help="further options of `wildsgd train`, in one string")
    add("--tolerance", type=float, default=1e-3, help="[default: 1e-3]")
    add("--jobs", type=int, default=os.cpu_count(), help="fits at a time [default: one a core]")
    add("--keep", type=Path, metavar="DIR", help="keep data, models and reports here")
    add("--out", type=Path, metavar="FILE", help="write each fit here, as a line of JSON")
    return parser.parse_args()


def _fit(task):
    seed, args, place = task
    family, values, labels, weights, problem, options = problems.make(seed, args.family, args.loss)
    if problem.loss == "softmax" and len(set(labels)) < 3:
        return None
    base = place / str(seed)
    base.mkdir(parents=True, exist_ok=True)
    data, report = base / "data.svm", base / "report.json"
    data.write_text(problems.text(values, labels))
    if weights is not None:
        (base / "weights").write_text("".join(f"{c:.9g}\n" for c in weights))
        options += ["--weights", str(base / "weights")]
    options += ["--tolerance", repr(args.tolerance), *args.options.split()]
    if "--threads" not in options:
        options += ["--threads", str((1, 2, 8)[seed % 3])]
    command = [str(args.wildsgd), "train", str(data), "--quiet", "--report", str(report), *options]
    found = {"seed": seed, "family": family, "loss": problem.loss, "command": " ".join(command[1:])}
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return {**found, "verdict": "hang"}
    found["seconds"] = time.monotonic() - started
    if done.returncode != 0:
        return {**found, "verdict": "error", "why": done.stderr.strip()[-500:]}
    final = json.loads(report.read_text())["final"]
    try:
        least = optima.least(problem)
    except Exception as error:
        return {**found, "verdict": "no reference", "why": str(error)}
    if not math.isfinite(least):
        return {**found, "verdict": "no reference", "why": "it is not finite"}
    return {**found, **_judge(final, least, problem, args.tolerance)}


def _judge(final, least, problem, tolerance):
    ours, gap = final["objective"], final["gap"]
    zero = problem.objective(problem.zeros())
    why = f"ours {ours!r}, theirs {least!r}, gap {gap!r}, {final['stop_reason']}"
    if gap is not None and least < (1 - gap) * ours * (1 - ROUNDING):
        verdict = "false certificate"
    elif not ours <= zero * (1 + ROUNDING):
        verdict = "worse than zero"
    elif final["certified"]:
        verdict = "certified"
    elif ours <= least * (1 + tolerance):
        verdict = "within"
    elif gap is not None or final["stop_reason"] != "tolerance":
        verdict = "says it is not"
    elif ours <= 1.05 * least:
        verdict = "settled near"
    else:
        verdict = "settled far"
    return {"verdict": verdict, "why": why, "ours": ours, "theirs": least, "gap": gap}


if __name__ == "__main__":
    sys.exit(main())
