#!/usr/bin/env python3
"""Trains random small problems, and compares each end with an independent optimum; see README.md.

Ends with status 1 if a certificate is false, a saved model is another than the report's, or a fit
is worse than zero weights, fails or hangs.
"""

import argparse
import json
import math
import os
import struct
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

import estimators
import numpy as np
import optima
import problems

ROOT = Path(__file__).resolve().parents[2]
# A false certificate is one by more than what an objective in doubles may be off by.
ROUNDING = 1e-8
# An objective below this share of that of zero weights is 0: there is nothing left to be near to.
NOTHING = 1e-20
# The objective of the saved weights and the reported one may differ by this share.
SAME = 1e-6
FATAL = ("false certificate", "other model", "worse than zero", "error", "hang")
STRATEGIES = (
    "sequential", "hogwild", "hogwild++", "sync", "ssp", "allreduce", "averaging", "locked",
    "round-robin",
)


def main():
    args = parse()
    warnings.filterwarnings("ignore")
    verdicts, slowest, unchecked = Counter(), 0.0, 0
    by_family, by_loss, by_solver = {}, {}, {}
    beside = {}
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
                by_solver.setdefault(found["solver"], Counter())[found["verdict"]] += 1
                for name, counts in found.get("peers", {}).items():
                    beside.setdefault(name, Counter()).update(counts)
                unchecked += found["verdict"] == "no reference" and found["certified"]
                slowest = max(slowest, found.get("seconds", 0))
                if found["verdict"] not in ("certified", "no reference"):
                    print(f"{found['verdict']}: seed {found['seed']} {found['command']}")
                    print(f"    {found.get('why', '')}", flush=True)
                if out:
                    out.write(json.dumps(found) + "\n")
    for title, table in (("family", by_family), ("loss", by_loss), ("solver", by_solver)):
        print(f"\n{title:<22}" + "".join(f"{verdict:>20}" for verdict in sorted(verdicts)))
        for name, counts in sorted(table.items()):
            print(f"{name:<22}" + "".join(f"{counts[verdict]:>20}" for verdict in sorted(verdicts)))
    if beside:
        print(f"\n{'estimator':<34}{'problems':>10}{'within':>10}{'wildsgd':>10}")
    for name, counts in sorted(beside.items()):
        print(f"{name:<34}{counts['all']:>10}{counts['within']:>10}{counts['ours']:>10}")
    judged = sum(verdicts.values()) - verdicts["no reference"]
    within = verdicts["certified"] + verdicts["within"]
    share = 100 * within / max(1, judged)
    print(f"\n{within} of {judged} fits ({share:.2f} %) end within the tolerance,"
          f" {verdicts['certified']} of them certified; the slowest took {slowest:.2f} s")
    print(f"{verdicts['no reference']} more have no reference; {unchecked} of them report that they"
          " are certified, which nothing checks")
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
    add("--vary", action="store_true",
        help="choose the solver by hand in a fifth of the fits, and the strategy in another fifth")
    add("--peers", action="store_true", help="also run scikit-learn's estimators at their defaults")
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
    solver = _vary(seed, problem, options) if args.vary else "as given"
    if "--threads" not in options:
        options += ["--threads", str((1, 2, 8)[seed % 3])]
    model = base / "model"
    command = [str(args.wildsgd), "train", str(data), "--quiet", "--report", str(report)]
    command += ["--model", str(model), *options]
    found = {"seed": seed, "family": family, "loss": problem.loss, "solver": solver,
             "command": " ".join(command[1:])}
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return {**found, "verdict": "hang", "why": "it runs for more than two minutes"}
    found["seconds"] = time.monotonic() - started
    if done.returncode != 0:
        return {**found, "verdict": "error", "why": done.stderr.strip()[-500:]}
    final = json.loads(report.read_text())["final"]
    found["certified"] = final["certified"]
    try:
        least, arrived = optima.find(problem)
    except Exception:
        least, arrived = math.inf, False
    saved = _saved(model, labels, problem)
    found |= _judge(final, saved, least, arrived, problem, args.tolerance)
    if args.peers and found["verdict"] != "no reference":
        found["peers"] = _peers(problem, min(least, saved), found, args.tolerance)
    return found


def _vary(seed, problem, options):
    """Adds a solver or a strategy to some of the options; returns its name."""
    # Another generator, so that the problem of a seed is the same one with and without.
    random = np.random.default_rng((seed, 1))
    kind = random.random()
    if kind < 0.2:
        solvers = ["sgd", "interior"]
        # The command refuses the others, and says so.
        plain = problem.loss != "softmax" and not problem.free_bias
        if plain and problem.l2 and not problem.l1:
            solvers.append("dual")
        smooth = problem.loss not in ("hinge", "epsilon-insensitive")
        if plain and smooth and (problem.weights == 1).all():
            solvers.append("saga")
        name = str(random.choice(solvers))
        options += ["--solver", name]
    elif kind < 0.4:
        fit = [name for name in STRATEGIES if not (problem.l1 and name == "allreduce")]
        name = str(random.choice(fit))
        options += ["--strategy", name]
        if name == "sequential":
            options += ["--threads", "1"]
    else:
        name = "auto"
    return name


def _saved(model, labels, problem):
    """The objective of a saved model."""
    content = model.read_bytes()
    if problem.loss == "softmax":
        w, has_bias = _columns(content)
        return problem.exactly(_padded(w, has_bias, problem))
    header, _, weights = content.partition(b"\nw\n")
    keys = dict(line.split(maxsplit=1) for line in header.decode().splitlines())
    read = np.array(weights.split(), dtype=float)
    w = _padded(read, float(keys["bias"]) >= 0, problem)
    if "label" in keys and float(keys["label"].split()[0]) != labels.max():
        w = -w
    return problem.exactly(w)


def _columns(content):
    """(weights, whether the last row is of the bias) of a native model, a column a class in the
    order of the labels' values
    """
    # The directory: name, offset and length of `labels` and `weights`; src/container says more.
    _, at, size, _, start, length = struct.unpack_from("<8sQQ8sQQ", content, 32)
    (flags,), (bytes_each,) = (struct.unpack_from("<Q", content, byte) for byte in (432, 472))
    order = np.argsort(np.frombuffer(content[at : at + size], "<f8"))
    weights = np.frombuffer(content[start : start + length], f"<f{bytes_each}").astype(float)
    return weights.reshape(-1, len(order))[:, order], flags & 2 != 0


def _padded(w, has_bias, problem):
    """Weights with zeros for the last features, if no example has these."""
    missing = problem.matrix.shape[1] - len(w)
    return np.insert(w, len(w) - has_bias, np.zeros((missing, *w.shape[1:])), axis=0)


def _peers(problem, least, found, tolerance):
    """For each estimator: problems, those that it ends near the optimum of, those wildsgd does."""
    counts = {}
    for name, fit in estimators.peers(problem):
        try:
            near = problem.exactly(fit()) <= least * (1 + tolerance)
        except Exception:
            near = False
        ours = found["ours"] <= least * (1 + tolerance)
        counts[name] = {"all": 1, "within": int(near), "ours": int(ours)}
    return counts


def _judge(final, saved, least, arrived, problem, tolerance):
    ours, gap = final["objective"], final["gap"]
    if ours is None:
        return {"verdict": "error", "why": "the objective is not finite"}
    zero = problem.objective(problem.zeros())
    why = f"ours {ours!r}, saved {saved!r}, theirs {least!r}, gap {gap!r}, {final['stop_reason']}"
    if gap is not None and least < (1 - gap) * ours * (1 - ROUNDING):
        verdict = "false certificate"
    elif not abs(saved - ours) <= SAME * ours + NOTHING * zero:
        verdict = "other model"
    elif not ours <= zero * (1 + ROUNDING) and not final["certified"]:
        verdict = "worse than zero"
    elif not (arrived and least <= ours * (1 + tolerance) + NOTHING * zero):
        # Also of a certified fit: to leave out those alone that are not would flatter.
        verdict = "no reference"
    elif final["certified"]:
        verdict = "certified"
    elif ours <= least * (1 + tolerance) + NOTHING * zero:
        verdict = "within"
    elif gap is not None or final["stop_reason"] != "tolerance":
        verdict = "says it is not"
    elif ours <= 1.05 * least:
        verdict = "settled near"
    else:
        verdict = "settled far"
    return {"verdict": verdict, "why": why, "ours": ours, "saved": saved, "theirs": least,
            "gap": gap}


if __name__ == "__main__":
    sys.exit(main())
