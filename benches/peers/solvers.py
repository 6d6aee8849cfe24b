"""`--solver auto` against each solver chosen by hand: seconds to weights within 0.1 % of the optimum.

    python solvers.py WILDSGD FOLDER [--runs 3] [--threads 2]

Each set of FOLDER with each loss and regularizer below, no bias. Solvers take turns; medians of the time of preparation and
training: of the whole fit, if it ends near enough, which is what a user waits for; and in brackets up to the first epoch that
was near enough, of which a solver without a certificate knows nothing. The optimum is the lowest objective of a run in f64 at
tolerance 1e-7 and of all that are timed. Means are printed for two halves of the sets, by the order of their names; the rule was fitted to neither.
"""

import argparse
import json
import math
import statistics
import subprocess
import tempfile
from pathlib import Path

NEAR = 1e-3
SOLVERS = ["auto", "dual", "saga", "sgd"]
PROBLEMS = [
    ("logistic", None, None), ("hinge", None, None), ("squared-hinge", None, None), ("logistic", 1e-5, None),
    ("logistic", 0, 1e-4), ("squared-hinge", 0, 1e-4), ("logistic", 1e-4, 1e-4), ("hinge", None, 1e-5),
]
SECONDS = 20


def train(program, path, *options):
    """The report of a training, or nothing if the solver refuses."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        call = [program, "train", path, "--no-bias", "--quiet", "--time-limit", SECONDS, "--report", report, *options]
        done = subprocess.run([str(part) for part in call], capture_output=True, text=True)
        return json.loads(report.read_text()) if done.returncode == 0 else None


def seconds_to(report, objective):
    """Preparation and training up to the first epoch with that objective; infinite if there is none."""
    for epoch in report["epochs"]:
        if epoch["objective"] <= objective:
            return report["prepare_seconds"] + epoch["train_seconds"]
    return math.inf


def seconds_of(report, objective):
    """Preparation and training as a whole; infinite if the weights do not have that objective."""
    final = report["final"]
    return report["prepare_seconds"] + final["train_seconds"] if final["objective"] <= objective else math.inf


def compare(program, path, problem, threads, runs):
    loss, l2, l1 = problem
    options = ["--loss", loss, "--threads", threads]
    options += [] if l2 is None else ["--l2", l2]
    options += [] if l1 is None else ["--l1", l1]
    exact = train(program, path, *options, "--precision", "f64", "--tolerance", 1e-7)
    reports = {solver: [] for solver in SOLVERS}
    for seed in range(1, runs + 1):
        # Each comes first in turn: the first one after another program finds the caches cold.
        for solver in SOLVERS[seed % len(SOLVERS):] + SOLVERS[: seed % len(SOLVERS)]:
            report = train(program, path, *options, "--solver", solver, "--seed", seed)
            if report:
                reports[solver].append(report)
    lowest = min(r["final"]["objective"] for r in [exact, *(r for all_of in reports.values() for r in all_of)])
    near = lowest * (1 + NEAR)
    return {
        solver: [statistics.median(of(report, near) for report in all_of) for of in (seconds_of, seconds_to)]
        for solver, all_of in reports.items() if all_of
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    ratios = {(half, what): [] for half in ("first", "second") for what in ("whole fits", "first epochs")}
    print("| set | half | loss | l2 | l1 | " + " | ".join(SOLVERS) + " | auto / best |")
    print("|---|---|---|---:|---:|" + "---:|" * (len(SOLVERS) + 1))
    binary = [path for path in sorted(options.folder.glob("*.train.svm*")) if "letter" not in path.name]
    for k, path in enumerate(binary):
        half = ["first", "second"][k % 2]
        for problem in PROBLEMS:
            found = compare(options.program, path, problem, options.threads, options.runs)
            shown = []
            for measure, what in enumerate(("whole fits", "first epochs")):
                best = min(seconds[measure] for seconds in found.values())
                ratio = found["auto"][measure] / best if math.isfinite(best) else math.nan
                if math.isfinite(best):
                    ratios[half, what].append(ratio)
                shown.append(f"{ratio:.2f}")
            loss, l2, l1 = problem
            cells = ["{:.3f} ({:.3f})".format(*found[s]) if s in found else "-" for s in SOLVERS]
            names = [path.name.split(".")[0], half, loss, "1/n" if l2 is None else f"{l2:g}", f"{l1 or 0:g}"]
            print("| " + " | ".join([*names, *cells, "{} ({})".format(*shown)]) + " |", flush=True)
    for (half, what), all_of in ratios.items():
        mean = math.exp(statistics.mean(map(math.log, all_of)))
        print(f"{half}, {what}: {len(all_of)} problems, geometric mean {mean:.2f}, worst {max(all_of):.2f}")


if __name__ == "__main__":
    main()
