"""What the values of options and ini keys may be: pure functions from text."""

from __future__ import annotations

import os
import re

from pytest_qbench.options import SUITES


def usable_cpus() -> int:
    """The number of CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_RANGE = re.compile(r"(\d+):(\d+)(?::(\d+))?")


def parse_numbers(text: str) -> tuple[int, ...]:
    """``4,6,8`` or ``first:last[:step]`` (last included), or both mixed; ascending, each once.

    Raises:
        ValueError: the text is neither, empty, or has a number below 1.
    """
    numbers: set[int] = set()
    for part in text.replace(" ", "").replace("_", "").split(","):
        match = _RANGE.fullmatch(part)
        if match:
            first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
            if step < 1 or last < first:
                raise ValueError(f"the range {part!r} is empty; write first:last:step with first <= last and step >= 1")
            numbers.update(range(first, last + 1, step))
        elif part.isdecimal():
            numbers.add(int(part))
        else:
            raise ValueError(f"{part!r} is neither a number nor a range; write 4,6,8 or 4:20:2")
    if min(numbers) < 1:
        raise ValueError("every number must be at least 1")
    return tuple(sorted(numbers))


def parse_seconds(text: str) -> float:
    """A positive finite number of seconds.

    Raises:
        ValueError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        raise ValueError("not a number of seconds") from None
    if not 0 < value < float("inf"):
        raise ValueError("must be more than 0 seconds")
    return value


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[KMGT]?i?B?)", re.IGNORECASE)


def parse_memory(text: str) -> int:
    """``4GiB``, ``500MB``, a plain number of bytes, or ``80%`` of the memory that is free now, in bytes.

    Raises:
        ValueError: it is none of these, or zero.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a memory size; write 4GiB, 500MB or 80%")
    number, unit = float(match[1]), match[2].upper()
    if unit == "%":
        import psutil

        size = int(psutil.virtual_memory().available * number / 100)
    else:
        base = 1024 if "I" in unit else 1000
        size = int(number * base ** ("KMGT".find(unit[0]) + 1 if unit and unit[0] in "KMGT" else 0))
    if size < 1:
        raise ValueError("must be more than 0 bytes")
    return size


def parse_suite(text: str) -> str:
    if text not in SUITES:
        raise ValueError(f"choose from {', '.join(SUITES)}")
    return text


def at_least_zero(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("must be a whole number of at least 0")
    return int(text)


def at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("must be a whole number of at least 1")
    return int(text)
