"""The first difference between two files, reports or outputs, in words; None if there is none."""

import json
import math
import re
import struct

# Times and speeds in reports, which are no result. A time limit is a setting.
CLOCKS = re.compile(r"(?!time_limit).*(_seconds|_per_second)")
# What another version or another machine may change, and a sentence for people.
ELSEWHERE = {"version", "machine", "strategy_reason"}
# The same in what people read.
MASKS = [
    (re.compile(r"^( *\d+) +\d+\.\d{3} ", re.M), r"\1 # "),  # a row an epoch
    (re.compile(r"^( *\S+ +\d+) +\d+\.\d{3}( +\d+ )", re.M), r"\1 #\2"),  # a row a class
    (re.compile(r"^(speed +)\S+", re.M), r"\1#"),
    (re.compile(r"\b\d+\.\d{3} s\b"), "# s"),
]
# What `src/container` and `src/model/native.rs` lay out.
MAGIC = b"\x89WSGD\r\n\x1a"
MODEL = 2
BYTES_OF_A_WEIGHT = 472
SHOWN = 60


class Number(str):
    """A number as it is written, so that 0 and -0.0, or 1 and 1.0, are not the same."""


def of_reports(old, new, near=()):
    """Of two texts in JSON: keys, their order and values, but for clocks. Numbers at the places in
    `near` only have to be near."""
    try:
        old, new = (_parsed(text) for text in (old, new))
    except ValueError as error:
        return f"no valid JSON: {error}"
    return _of_values(old, new, "", near)


def of_files(old, new):
    """Of the bytes of two files."""
    if old == new:
        return None
    if old.startswith(MAGIC) and new.startswith(MAGIC):
        return _of_sections(old, new)
    try:
        return _of_lines(old.decode(), new.decode())
    except UnicodeDecodeError:
        return _of_bytes(old, new)


def of_outputs(old, new, in_order=True):
    """Of two texts that people read, but for clocks, and for the lines' order if there is none."""
    for pattern, mask in MASKS:
        old, new = pattern.sub(mask, old), pattern.sub(mask, new)
    if not in_order:
        old, new = ("\n".join(sorted(text.split("\n"))) for text in (old, new))
    return _of_lines(old, new)


def found(report, *keys):
    """What a report has under these keys, one in the other."""
    found = json.loads(report)
    for key in keys:
        found = found[key]
    return found


def _parsed(text):
    return json.loads(
        text,
        parse_float=Number,
        parse_int=Number,
        parse_constant=Number,
        object_pairs_hook=_Object,
    )


class _Object(list):
    """Pairs in their order."""


def _of_values(old, new, place, near):
    if type(old) is not type(new):
        return f"{place or 'report'}: {_short(old)} != {_short(new)}"
    if isinstance(old, _Object):
        keys, others = ([key for key, _ in pairs] for pairs in (old, new))
        if keys != others:
            return f"{place or 'report'}: {_keys(keys, others)}"
        for (key, a), (_, b) in zip(old, new):
            inner = f"{place}.{key}" if place else key
            ignored = CLOCKS.fullmatch(key) and type(a) is type(b) or key in ELSEWHERE
            difference = None if ignored else _of_values(a, b, inner, near)
            if difference:
                return difference
    elif isinstance(old, list):
        for i, (a, b) in enumerate(zip(old, new)):
            difference = _of_values(a, b, f"{place}[{i}]", near)
            if difference:
                return difference
        if len(old) != len(new):
            return f"{place}: {len(old)} != {len(new)} elements"
    elif old != new and not (place in near and _are_near(old, new)):
        return f"{place}: {_short(old)} != {_short(new)}"
    return None


def _are_near(old, new):
    return isinstance(old, Number) and math.isclose(float(old), float(new), rel_tol=1e-12)


def _keys(old, new):
    missing = [key for key in old if key not in new]
    added = [key for key in new if key not in old]
    if missing or added:
        return f"keys missing: {missing or 'none'}, added: {added or 'none'}"
    return f"keys in another order: {', '.join(new)}"


def _of_lines(old, new):
    if old == new:
        return None
    old, new = old.split("\n"), new.split("\n")
    for number, (a, b) in enumerate(zip(old, new), 1):
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            at = max(0, at - SHOWN // 3)
            return f"line {number}: {_short(a[at:])} != {_short(b[at:])}"
    return f"{len(old) - 1} != {len(new) - 1} lines"


def _of_bytes(old, new):
    if len(old) != len(new):
        return f"{len(old)} != {len(new)} bytes"
    at = _first(old, new)
    return f"byte {at}: {old[at]} != {new[at]}"


def _of_sections(old, new):
    """Of two files of sections: models or caches."""
    sections, others = _sections(old), _sections(new)
    if sections != others:
        return f"sections {sections} != {others}"
    for name, start, size in sections:
        a, b = old[start:start + size], new[start:start + size]
        if a == b:
            continue
        if (name, old[8]) != ("weights", MODEL):
            return f"section {name}: {_of_bytes(a, b)}"
        (each,) = struct.unpack_from("<Q", old, BYTES_OF_A_WEIGHT)
        at = _first(a, b) // each
        (x,), (y,) = (struct.unpack_from("<d" if each == 8 else "<f", w, each * at) for w in (a, b))
        return f"weights[{at}]: {x!r} != {y!r}"
    return _of_bytes(old, new)


def _sections(file):
    (count,) = struct.unpack_from("<I", file, 28)
    entries = (struct.unpack_from("<8sQQ", file, 32 + 24 * i) for i in range(count))
    return [(name.rstrip(b"\0").decode(), start, size) for name, start, size in entries]


def _first(old, new):
    return next(i for i, (a, b) in enumerate(zip(old, new)) if a != b)


def _short(value):
    text = str(value) if isinstance(value, Number) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
