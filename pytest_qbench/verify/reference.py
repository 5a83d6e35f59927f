"""Where the distribution that a circuit is checked against comes from."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pytest_qbench.cases import CaseError, CircuitCase
from pytest_qbench.circuits.program import Program
from pytest_qbench.user_code import case_error, place
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.exact import exact_distribution
from pytest_qbench.verify.noisy import UnverifiableError, noisy_distribution

_FORMAT = 1
"""Part of the file names: raised whenever files or the exact simulator change their meaning."""
_WORTH_STORING_S = 0.1
"""A distribution computed faster than this is computed again rather than stored."""
_MAX_ENTRIES = 1 << 24
"""The most probabilities that are kept in memory (128 MiB, and about as much again for their ranking)."""


class ReferenceCache:
    """Exact distributions by program hash, in memory and in files.

    Files are written to ``directory`` (none: memory only), which is created when the first one is. A file that
    can't be read or written is as good as none: the distribution is computed.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory
        self._recent: OrderedDict[str, Distribution] = OrderedDict()
        self._unverifiable: dict[str, str] = {}

    def exact(self, program: Program) -> Distribution:
        """The exact distribution of ``program``, with its noise if it has some.

        Raises:
            CaseError: it can't be computed (:func:`~pytest_qbench.verify.exact.exact_distribution`).
            UnverifiableError: the circuit has noise, and is too large (:mod:`pytest_qbench.verify.noisy`).
        """
        key = program.hash
        if key in self._unverifiable:  # found out once, and not once per point of a ladder
            raise UnverifiableError(self._unverifiable[key])
        distribution = self._recent.get(key)
        if distribution is None:
            distribution = self._load(key, program.n_clbits)
        if distribution is None:
            begin = time.perf_counter()
            try:
                distribution = noisy_distribution(program) if program.is_noisy else exact_distribution(program)
            except UnverifiableError as error:
                self._unverifiable[key] = str(error)
                raise
            if time.perf_counter() - begin >= _WORTH_STORING_S:
                self._store(key, distribution)
        self._recent[key] = distribution
        self._recent.move_to_end(key)
        while len(self._recent) > 1 and sum(map(len, self._recent.values())) > _MAX_ENTRIES:
            self._recent.popitem(last=False)
        return distribution

    def _path(self, directory: Path, key: str) -> Path:
        return directory / f"reference-v{_FORMAT}-{key}.npz"

    def _load(self, key: str, n_clbits: int) -> Distribution | None:
        if self.directory is None:
            return None
        try:
            with np.load(self._path(self.directory, key), allow_pickle=False) as data:
                keys = tuple(data["keys"].tolist()) if "keys" in data else None
                distribution = Distribution(n_clbits, data["probabilities"], keys)
        except Exception:  # no file, half a file, or anything else that bears its name
            return None
        return distribution if _is_sound(distribution) else None

    def _store(self, key: str, distribution: Distribution) -> None:
        if self.directory is None:
            return
        arrays: dict[str, Any] = {"probabilities": distribution.probabilities}
        if distribution.keys is not None:
            arrays["keys"] = np.array(distribution.keys)
        with contextlib.suppress(OSError):
            self.directory.mkdir(parents=True, exist_ok=True)
            # Renamed when complete: other processes read the same directory.
            handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=self.directory)
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, **arrays)
                Path(temporary).replace(self._path(self.directory, key))
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise


def _is_sound(distribution: Distribution) -> bool:
    """Whether a distribution read from a file is one."""
    probabilities, keys, n_clbits = distribution.probabilities, distribution.keys, distribution.n_clbits
    if probabilities.dtype != np.float64 or probabilities.ndim != 1:
        return False
    if keys is None:
        shaped = len(probabilities) == 1 << n_clbits
    else:
        shaped = len(probabilities) == len(keys) and all(
            isinstance(key, str) and len(key) == n_clbits and set(key) <= {"0", "1"} for key in keys
        )
    return shaped and bool((probabilities >= 0).all()) and abs(probabilities.sum() - 1) < 1e-9


def reference_distribution(
    case: CircuitCase, arguments: Mapping[str, Any], program: Program, cache: ReferenceCache, *, noise: bool = False
) -> Distribution:
    """What the outcome of ``program``, the circuit that ``case`` builds of ``arguments``, must be.

    That is what the case's expectation says, unless it returns None; else all zeros for a mirror circuit; else
    what the exact simulator finds. With ``noise``, which the session has added to the circuit, what the case says of it
    does not hold, and the exact simulator decides.

    Raises:
        CaseError: the circuit measures nothing; the expectation raises or returns no distribution over the
            circuit's classical bits; or there is none and exact simulation is not feasible. The message begins
            with file and line.
        UnverifiableError: the circuit has noise, and exact simulation is not feasible.
    """
    origin = f"{place(case.path, case.line)}: {case.name}"
    if not program.has_measurements:
        raise CaseError(f"{origin}: the circuit measures nothing, so that there is no outcome to check")
    if case.expectation is not None and not noise:
        expected = _expected(case.expectation, case, arguments, program.n_clbits)
        if expected is not None:
            return expected
    if case.mirror and not noise:
        return Distribution.certain("0" * program.n_clbits)
    try:
        return cache.exact(program)
    except CaseError as error:
        raise CaseError(f"{origin}: {error}") from error


def _expected(
    expectation: Callable[..., Any], case: CircuitCase, arguments: Mapping[str, Any], n_clbits: int
) -> Distribution | None:
    """What the case says, or None where it leaves the reference to be computed."""
    code = getattr(expectation, "__code__", None)
    path, line = (code.co_filename, code.co_firstlineno) if code else (case.path, case.line)
    call = f"expectation of {case.name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    try:
        expected = expectation(**arguments)
    except Exception as error:  # whatever a user's function raises concerns its own case only
        raise case_error(error, call, path, line) from error
    if expected is None:
        return None
    try:
        return Distribution.from_expected(expected, n_clbits)
    except ValueError as error:
        raise CaseError(f"{place(path, line)}: {call}: {error}") from error
