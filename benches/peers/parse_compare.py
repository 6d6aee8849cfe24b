"""Loading libsvm text: wildsgd beside svmloader and scikit-learn.

    cargo bench --no-run --bench load       # prints the name of the program
    pip install svmloader scikit-learn      # into an environment of its own
    python benches/peers/parse_compare.py PROGRAM TEXT [RUNS]

Each run times all of them one after another, on one thread and with the text in the page cache, as a noisy
machine is then the same for all. Prints medians.
"""

import statistics
import subprocess
import sys
import time

import svmloader
from sklearn.datasets import load_svmlight_file


def timed(load):
    def run(path):
        start = time.perf_counter()
        load(path)
        return time.perf_counter() - start

    return run


def main():
    program, path = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5

    def ours(threads):
        command = [program, "--once", path, str(threads)]
        return lambda _: float(subprocess.run(command, check=True, capture_output=True).stdout)

    loaders = {
        "wildsgd, 1 thread": ours(1),
        "wildsgd, 2 threads": ours(2),
        "svmloader": timed(svmloader.load_svmfile),
        "scikit-learn": timed(load_svmlight_file),
    }
    times = {name: [] for name in loaders}
    for _ in range(runs):
        for name, load in loaders.items():
            times[name].append(load(path))
    first = statistics.median(times["wildsgd, 1 thread"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:<20} {median:8.3f} s {median / first:8.2f} times wildsgd on 1 thread")


if __name__ == "__main__":
    main()
