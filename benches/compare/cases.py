"""What both programs are asked to do: each case is a few commands in a folder of its own."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

SOLVERS = ("auto", "sgd", "saga", "dual")
LOSSES = (
    "logistic", "hinge", "squared-hinge", "squared", "huber", "epsilon-insensitive", "softmax",
)
# Ways to share the weights, all deterministic with one thread.
WAYS = (
    "auto", "sequential",
    "hogwild", "hogwild --update wild", "hogwild --update atomic", "hogwild --update merged",
    "hogwild --update split",
    "hogwild++", "hogwild++ --update wild", "hogwild++ --update atomic",
    "sync", "ssp", "allreduce", "averaging", "locked", "round-robin",
)
# Those with code of their own in each solver.
FEW_WAYS = ("sequential", "hogwild", "hogwild++")
# Those that are deterministic with several threads, too.
FIRM_WAYS = ("sync", "allreduce", "averaging")
PENALTIES = (
    "--l1 1e-3", "--l2 0", "--l1 1e-3 --l2 0", "--cost 10", "--free-bias", "--no-bias",
    "--bias 2.5", "--bias 0", "--free-bias --l1 1e-3", "--no-bias --l2 0.01",
)
SCHEDULES = (
    "--schedule plateau", "--schedule constant", "--schedule inverse", "--schedule geometric",
    "--schedule geometric:0.5", "--learning-rate 0.1", "--learning-rate 0.1 --schedule inverse",
    "--learning-rate 1000",
)
EPOCHS = "--epochs 4"
SAVED = "--model model --model-format native --report report.json"


@dataclass(frozen=True)
class Case:
    set: str
    family: str
    commands: tuple
    # Names in the folder, and the files that they stand for.
    links: dict
    # Seconds that a command may take.
    limit: float = 120
    # Compared only if the first program took this strategy, with which it is deterministic.
    strategy: str = None
    # Places in reports whose numbers only have to be near.
    near: tuple = ()
    # Whether lines that people read have their order.
    in_order: bool = True

    @property
    def name(self):
        return self.named(self.commands[0])

    def named(self, command):
        return f"{self.set}, {self.family}: wildsgd {command}"


def all_of(sets):
    """The cases of these sets, the quick ones first."""
    cases = [case for family in FAMILIES for data in sets for case in family(data)]
    return cases + [case for data in sets for case in _whole_fits(data)]


def _case(data, family, *commands, **more):
    return Case(data.name, family, commands, data.links(), **more)


def _train(data, family, options, epochs=EPOCHS, **more):
    words = ["train train", SAVED, "" if "--epochs" in options else epochs, options]
    return _case(data, family, " ".join(word for word in words if word), **more)


def _has_labels(family):
    """A family of cases that ratings are no data for."""
    return lambda data: family(data) if data.kind != "ratings" else ()


@_has_labels
def _ways(data):
    for precision in ("", " --precision f64"):
        for solver, loss, way in product(SOLVERS, LOSSES, WAYS):
            if precision and not data.is_thorough and way not in FEW_WAYS:
                continue
            options = f"--solver {solver} --loss {loss} --strategy {way} --threads 1{precision}"
            yield _train(data, "ways", options)


@_has_labels
def _penalties(data):
    for solver, loss, penalty in product(SOLVERS, _losses(data), PENALTIES):
        options = f"--solver {solver} --loss {loss} {penalty} --threads 1"
        yield _train(data, "penalties", options)
    if not data.is_thorough:
        return
    for loss, penalty, way in product(_fitting(data), PENALTIES, WAYS[2:]):
        options = f"--solver sgd --loss {loss} {penalty} --strategy {way} --threads 1"
        yield _train(data, "penalties", options)
    for loss, penalty, way in product(_fitting(data), PENALTIES, (*FEW_WAYS[1:], "locked")):
        options = f"--loss {loss} {penalty} --strategy {way} --threads 1"
        yield _train(data, "penalties", options)


@_has_labels
def _schedules(data):
    ways = ("sequential", "hogwild", "hogwild++", "sync", "averaging")
    for schedule, loss, way in product(SCHEDULES, _fitting(data), ways):
        if not data.is_thorough and way != "sequential":
            continue
        options = f"--solver sgd --loss {loss} {schedule} --strategy {way} --threads 1"
        yield _train(data, "schedules", options)
    for schedule, solver in product(SCHEDULES, ("auto", "saga", "dual")):
        yield _train(data, "schedules", f"--solver {solver} {schedule} --threads 1")


@_has_labels
def _batches(data):
    for batch, way in product((1, 7, 64, 0), WAYS):
        for loss in _fitting(data)[:2]:
            if not data.is_thorough and batch != 7:
                continue
            options = f"--solver sgd --loss {loss} --batch {batch} --strategy {way} --threads 1"
            yield _train(data, "batches", options)
    for solver, batch in product(("auto", "saga", "dual"), (1, 8)):
        yield _train(data, "batches", f"--solver {solver} --batch {batch} --threads 1")


@_has_labels
def _weights(data):
    one = f"--class-weight {data.labels[0]}:2.5"
    kinds = (one, "--class-weight balanced", "--weights weights", f"{one} --weights weights")
    for solver, loss, weights in product(SOLVERS, _losses(data), kinds):
        options = f"--solver {solver} --loss {loss} {weights} --threads 1"
        yield _train(data, "weights", options)
    for way, weights in product(WAYS[2:], kinds[1:3]):
        options = f"--solver sgd --loss {_fitting(data)[0]} {weights} --strategy {way} --threads 1"
        yield _train(data, "weights", options)


@_has_labels
def _classes(data):
    if data.kind != "many":
        for solver, loss in product(SOLVERS, LOSSES):
            options = f"--multiclass ovr --solver {solver} --loss {loss} --threads 1"
            yield _train(data, "classes", options)
        return
    # With as many classes as threads, each thread trains classes of its own.
    for solver, loss, threads in product(SOLVERS, LOSSES, (1, 2)):
        options = f"--multiclass ovr --solver {solver} --loss {loss} --threads {threads}"
        yield _train(data, "classes", options, **_sums(threads))


@_has_labels
def _details(data):
    loss = _fitting(data)[0]
    of_ways = (
        "ssp --staleness 0", "ssp --staleness inf", "ssp --reads non-blocking",
        "ssp --writes non-blocking", "averaging --average-every 2", "sync --backup-workers 0",
        "sync --backup-workers 1", "hogwild++ --update-delay 1", "hogwild++ --clusters 1",
        "hogwild++ --clusters 2", "hogwild++ --cluster-size 1", "hogwild++ --pin",
        "hogwild++ --ring-beta 0.5 --ring-lambda 0.5",
        "hogwild --inject delay:worker=0,every=500,us=5",
        "sync --staleness 1", "hogwild --clusters 1", "locked --average-every 2",
        "sync --update wild", "hogwild++ --update merged", "hogwild++ --update split",
    )
    for way in of_ways:
        yield _train(data, "details", f"--solver sgd --loss {loss} --strategy {way} --threads 1")
    for more in ("--clusters 1", "--update-delay 1", "--ring-beta 0.5"):
        options = f"--loss {loss} --strategy hogwild++ {more} --threads 1"
        yield _train(data, "details", options)
    # `params` shows weights to other processes, and is a file to compare, too.
    watched = ("--test test", "--params params", "--params params --precision f64")
    of_all = (
        "--seed 7", "--seed 18446744073709551615", "--tolerance 0", "--tolerance 1e-5 --epochs 60",
        "--tolerance 1e-9 --precision f64 --epochs 60", "--index-base auto", "--index-base 0",
        "--time-limit 1000", "--epochs 1", "--epochs 60", "--quiet", "--cache", *watched,
    )
    for more, solver in product(of_all, SOLVERS):
        options = f"--solver {solver} {more} --loss {loss} --threads 1"
        yield _train(data, "details", options)
    for more, way in product(watched, WAYS[2:]):
        options = f"--solver sgd {more} --loss {loss} --strategy {way} --threads 1"
        yield _train(data, "details", options)
    for epsilon, solver in product(("0", "0.5", "-1"), SOLVERS):
        options = f"--loss epsilon-insensitive --epsilon {epsilon} --solver {solver} --threads 1"
        yield _train(data, "details", options)


@_has_labels
def _threads(data):
    for loss, way, threads in product(_losses(data), FIRM_WAYS, (2, 3)):
        options = f"--solver sgd --loss {loss} --strategy {way} --threads {threads}"
        yield _train(data, "threads", options)
        yield _train(data, "threads", f"{options} --precision f64")
    options = (*PENALTIES, *SCHEDULES, "--batch 1", "--batch 64")
    for more, way in product(options if data.is_thorough else options[::3], FIRM_WAYS):
        options = f"--solver sgd --loss {_fitting(data)[0]} {more} --strategy {way} --threads 2"
        yield _train(data, "threads", options)
    options = f"--solver sgd --loss {_fitting(data)[0]} --strategy averaging --threads 2"
    yield _train(data, "threads", f"{options} --average-every 2")
    # One thread visits where others would be late, and others do the rest.
    for loss, solver in product(_fitting(data), SOLVERS):
        options = f"--solver {solver} --loss {loss} --threads 2"
        yield _train(data, "threads", options, strategy="sequential", **_sums(2))


@_has_labels
def _uses(data):
    """What becomes of models."""
    for loss, form, bias in product(LOSSES, ("native", "liblinear"), ("", "--no-bias ")):
        if bias and not data.is_thorough:
            continue
        options = f"--loss {loss} {bias}{EPOCHS} --threads 1 --quiet"
        yield _case(
            data, "uses",
            f"train train --model model --model-format {form} {options}",
            "predict model test",
            "predict model test --output labels",
            "predict model test --decision --output scores",
            "predict model test --proba --output probabilities",
            "predict model train --index-base 0 --quiet",
            "evaluate model test --report evaluation.json",
            "evaluate model train --report evaluation-of-train.json",
        )


@_has_labels
def _files(data):
    yield _case(
        data, "files",
        "convert train cache",
        "convert cache text --to libsvm",
        "convert cache other-cache --seed 5",
        f"train cache --model model --model-format native {EPOCHS} --threads 1",
        "predict model cache",
        "evaluate model cache --report evaluation.json",
        "inspect cache --json inspection.json",
    )
    for commands in (
        ("convert train cache --no-shuffle", f"train cache {EPOCHS} --threads 1"),
        ("convert train cache --seed 3", "convert cache text --to libsvm"),
        ("convert train text --to libsvm", "convert train other --to libsvm --seed 1"),
        ("convert train cache --memory-limit 1M", "convert train other --index-base 0"),
        ("inspect train --svg inspection.svg --json inspection.json",),
        ("inspect test --index-base auto", "inspect test --quiet"),
    ):
        yield _case(data, "files", *commands)
    cached = f"train train --cache --model model --model-format native {EPOCHS} --threads 1"
    yield _case(data, "files", cached, cached.replace("--model model", "--model again"))


def _ratings(data):
    if data.kind != "ratings":
        return
    ranks = ("", "--rank 1", "--rank 3 --l2 0", "--rank 5 --l2 0.01 --seed 9", "--rank 0",
             "--l2 -1")
    rest = ("--schedule constant", "--schedule inverse", "--schedule geometric:0.5",
            "--learning-rate 0.05", "--learning-rate 1000", "--test test", "--batch 1", "--batch 7",
            "--tolerance 1e-6 --epochs 60")
    options = [f"{more} --strategy {way} --threads 1" for more in (*ranks, *rest) for way in WAYS]
    options += [f"{more} --strategy {way} --threads 2" for more in rest for way in FIRM_WAYS]
    for more in options:
        epochs = "" if "--epochs" in more else EPOCHS
        command = f"factorize train --model model --report report.json {epochs} {more}"
        yield _case(data, "factorize", " ".join(command.split()))
    yield _case(
        data, "factorize",
        "factorize train --model model --rank 4 --threads 1",
        "predict model test --output predictions",
        "predict model train",
        "predict model test --proba",
        "evaluate model test --report evaluation.json",
    )


# Lines that no command takes.
BAD_LINES = (
    "1:1 2:1", "x 1:1", "nan 1:1", "-1 0:1", "-1 -3:1", "-1 5:1 3:1", "-1 5:1 5:1",
    "-1 4294967296:1", "-1 5:", "-1 5", "-1 5:abc", "-1 5:NaN", "-1 5:-inf", "-1 5:1e39",
    "1e39 5:1", "0.5 1:1", "1 1:2",
)
# Options that no training takes.
BAD_OPTIONS = (
    "--epochs 0", "--threads 0", "--threads 5000", "--tolerance -1", "--l1 -1", "--l2 -1",
    "--l2 nan", "--cost 0", "--cost 1 --l2 1", "--bias -1", "--bias 1 --no-bias",
    "--free-bias --no-bias", "--learning-rate 0", "--learning-rate x", "--schedule never",
    "--schedule geometric:2", "--strategy none", "--strategy sequential --threads 2",
    "--strategy sequential --update wild", "--strategy sync --backup-workers 2 --threads 2",
    "--class-weight x", "--class-weight 9:1", "--class-weight -1:-1", "--weights none",
    "--test none", "--epsilon 1", "--loss none", "--loss softmax --model-format liblinear",
    "--loss softmax --multiclass ovr", "--loss squared --multiclass ovr", "--time-limit 0",
    "--batch -1", "--seed -1", "--solver dual --l2 0", "--solver dual --l1 1",
    "--solver dual --strategy sync", "--solver saga --loss hinge", "--nothing",
)

# Files that are no data set.
BAD_FILES = ("", "\n# nothing\n", "1 1:1\n1 2:1\n", "1\n2\n")
BAD_COMMANDS = (
    "train none", "train .", "predict none test", "predict train test", "evaluate none test",
    "factorize train --model model", "convert train train", "inspect none", "nothing", "",
)
COMMANDS = (
    "", "train ", "factorize ", "predict ", "evaluate ", "inspect ", "convert ", "bench ",
    "bench load ", "bench scaling ", "bench strategies ",
)


def _refusals(data):
    """Errors: what they say, and that nothing is written. They need a set, but one is enough."""
    if data.name != "narrow":
        return
    commands = (f"train bad {SAVED} {EPOCHS} --threads 1", "inspect bad", "convert bad cache",
                "convert bad text --to libsvm")
    for text in (*BAD_FILES, *(f"+1 1:1\n{line}\n" for line in BAD_LINES)):
        yield Case(data.name, "refusals", commands, {"bad": text})
    for options in BAD_OPTIONS:
        yield _train(data, "refusals", options, "")
    for command in BAD_COMMANDS:
        yield _case(data, "refusals", command)
    for command in COMMANDS:
        yield _case(data, "help", f"{command}--help", f"{command}-h")


def _whole_fits(data):
    """Fits of whole files to their end, as users have them."""
    if data.whole is None:
        return
    loss = "--loss squared" if data.kind == "amounts" else "--loss logistic"
    options = [loss, f"{loss} --l1 1e-4", f"{loss} --solver sgd"]
    if data.kind != "amounts":
        options += ["--loss hinge"] + ["--loss softmax"] * (data.kind == "many")
    for more in options:
        yield _case(data, "whole", f"train whole {SAVED} {more} --threads 1", limit=1800)
    command = f"train whole {SAVED} {loss} --threads 2"
    yield _case(data, "whole", command, limit=1800, strategy="sequential", **_sums(2))


def _sums(threads):
    """How to compare where each thread trains classes of its own: they end in any order, which
    rows and sums over classes follow."""
    return {"near": ("final.objective", "final.gap"), "in_order": False} if threads > 1 else {}


def _losses(data):
    """All losses, or fewer where there is no time for all."""
    return LOSSES if data.is_thorough else _fitting(data)


def _fitting(data):
    """Losses of each kind of code that suit the labels."""
    losses = {"two": ("logistic", "hinge", "squared"), "many": ("logistic", "softmax"),
              "amounts": ("squared", "huber", "epsilon-insensitive")}
    return losses[data.kind]


FAMILIES = (
    _ways, _penalties, _schedules, _batches, _weights, _classes, _details, _threads, _uses, _files,
    _ratings, _refusals,
)
