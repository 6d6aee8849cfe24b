"""Runs the command, and reads what it writes."""

import json
import subprocess
from dataclasses import dataclass

import numpy as np


class TrainerFailed(Exception):
    """The command ended with an error."""


@dataclass(frozen=True)
class Trained:
    """A model file and the report of its training."""

    path: object
    report: dict

    @property
    def epochs(self):
        return self.report["final"]["epochs"]

    def weights(self):
        """The weights in f64, that of the bias last if there is one."""
        return read_weights(self.path)


class Trainer:
    def __init__(self, command, scratch):
        self.command = command
        self.scratch = scratch

    def train(self, data, *options):
        """Trains with a model and a report; the next training replaces both files."""
        model, report = self.scratch / "wildsgd.model", self.scratch / "report.json"
        self.run("train", data, "--quiet", "--model", model, "--report", report, *options)
        return Trained(model, json.loads(report.read_text()))

    def predict(self, model, data, *options):
        """A line of numbers an example: its label or value, and with `--proba` both labels' probabilities."""
        out = self.scratch / "predictions"
        self.run("predict", model, data, "--quiet", "--output", out, *options)
        return np.loadtxt(out, skiprows=int("--proba" in options), ndmin=1)

    def run(self, *arguments):
        command = [str(part) for part in (self.command, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise TrainerFailed(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()}")


def read_weights(path):
    """The weights of a model file in LIBLINEAR's text format."""
    header, _, weights = path.read_text().partition("\nw\n")
    assert header.startswith("solver_type "), f"{path} is no model"
    return np.array(weights.split(), dtype=float)
