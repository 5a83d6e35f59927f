"""Points as a real run gives them, made by arithmetic."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_qbench.plan import cold_shots
from pytest_qbench.report.cells import PlannedPoint
from pytest_qbench.results import PointResult, Status

SHOTS = (1, 10, 100, 1000, 10000)

DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "native": {
        "version": "0.1.0",
        "versions": {"pytest-qbench": "0.1.0", "torch": "2.13.0"},
        "device": "CPU",
        "device_name": None,
        "precision": "double",
        "method": "statevector",
        "threads": 2,
    },
    "aer": {
        "version": "0.18.2",
        "versions": {"qiskit-aer": "0.18.2", "qiskit": "2.6.2"},
        "device": "CPU",
        "device_name": None,
        "precision": "double",
        "method": "statevector",
        "threads": 2,
    },
}


def point(
    backend: str = "native",
    case: str = "ghz_state",
    n_qubits: int = 4,
    shots: int = 1000,
    seconds: float | None = 0.001,
    ladder: Sequence[int] = SHOTS,
    status: Status = Status.PASS,
    **more: Any,
) -> PointResult:
    """One point; three rounds around ``seconds`` (their median), or none."""
    rounds = () if seconds is None else (seconds * 0.98, seconds, seconds * 1.07)
    params = more.pop("params", {})
    suffix = "".join(f"-{key}{value}" for key, value in params.items())
    instance = f"{case}[{backend}-q{n_qubits}{suffix}]"
    fields: dict[str, Any] = {
        "nodeid": f"cases/circuits/{case}.py::{instance[:-1]}-s{shots}]",
        "instance": instance,
        "backend": backend,
        "spec": backend,
        "case": case,
        "n_qubits": n_qubits,
        "params": params,
        "shots": shots,
        "ladder": tuple(ladder),
        "status": status,
        "kind": "static",
        "n_ops": 10 * n_qubits,
        "program_hash": f"hash of {case} {n_qubits} {sorted(params.items())}",
        "rounds_s": rounds,
        "cpu_s": tuple(1.5 * seconds for seconds in rounds),
        "counts_s": tuple(0.1 * seconds for seconds in rounds),
        "memory": {
            "rss_before": 100_000_000,
            "rss_after": 101_000_000,
            "rss_delta": 1_000_000,
            "rss_peak": 120_000_000 + shots,
            "device_peak": None,
        },
        "description": DESCRIPTIONS.get(backend, {}),
        "p_value": 0.4 if rounds else None,
        "threads": 2,
        "seed": 42,
        "timeout_s": 30.0,
        "elapsed_s": sum(rounds) + 0.01,
    }
    if shots == min(ladder) and rounds:
        fields |= {"prepare_s": 0.002, "first_call_s": 3 * (seconds or 0.0), "first_call_shots": cold_shots(ladder)}
    return PointResult(**(fields | more))


def ladder_of(times: dict[int, float], **more: Any) -> list[PointResult]:
    """A ladder that completes with the medians ``times``."""
    return [point(shots=shots, seconds=seconds, ladder=tuple(times), **more) for shots, seconds in times.items()]


def planned(points: Sequence[PointResult]) -> list[PlannedPoint]:
    """The plan that ``points`` fulfil."""
    return [
        PlannedPoint(p.nodeid, p.instance, p.backend, p.case, p.n_qubits, p.params, p.shots, p.noise) for p in points
    ]


# Name, operations per qubit, dynamic.
_FAMILIES = (
    ("bell_state", 1, False),
    ("ghz_state", 1, False),
    ("w_state", 3, False),
    ("graph_state", 2, False),
    ("qft", 8, False),
    ("qpe_exact", 9, False),
    ("bernstein_vazirani", 2, False),
    ("deutsch_jozsa", 2, False),
    ("simon", 2, False),
    ("real_grovers", 20, False),
    ("qaoa_maxcut", 12, False),
    ("quantum_volume", 60, False),
    ("random_universal", 50, False),
    ("reversible_mix", 40, False),
    ("clifford_scrambler", 30, False),
    ("brickwork", 30, False),
    ("diagonal_mesh", 25, False),
    ("phase_ladder", 20, False),
    ("teleportation", 3, True),
    ("adaptive_feedback_5", 50, True),
    ("adaptive_feedback_long", 120, True),
)


SIZES = (2, 4, 8, 12, 16, 20, 24)


def run(backends: Sequence[str] = ("native", "aer"), sizes: Sequence[int] = SIZES) -> Iterator[PointResult]:
    """22 instances per backend and size at five shots, with what goes wrong in a real run, in running order."""
    noise = random.Random(1)
    for n_qubits in sizes:
        for case, ops, dynamic in _FAMILIES:
            sweep = [{"depth": 10}, {"depth": 20}] if case == "random_universal" else [{}]
            for params in sweep:
                for backend in backends:
                    yield from _ladder(noise, backend, case, n_qubits, ops, dynamic, params)


def _ladder(
    noise: random.Random,
    backend: str,
    case: str,
    n_qubits: int,
    ops: int,
    dynamic: bool,
    params: dict[str, Any],
) -> Iterator[PointResult]:
    kind = "dynamic" if dynamic else "static"
    common = {"backend": backend, "case": case, "n_qubits": n_qubits, "params": params, "kind": kind}
    if backend == "quest":
        for shots in SHOTS:
            reason = "pyquest is not installed: pip install pyquest"
            yield point(shots=shots, seconds=None, status=Status.UNAVAILABLE, reason=reason, **common)
        return
    if backend == "stim" and case not in ("bell_state", "ghz_state", "graph_state", "clifford_scrambler"):
        for shots in SHOTS:
            reason = "stim runs Clifford circuits only: gate 'rz' can't be lowered"
            yield point(shots=shots, seconds=None, status=Status.UNSUPPORTED, reason=reason, **common)
        return
    aborted = False
    for shots in SHOTS:
        per_call = 1e-3 if backend == "aer" else 1e-4
        per_gate = 15e-6 if backend == "aer" else 4e-6
        size = ops * n_qubits
        seconds = per_call + size * (per_gate + 2e-9 * 2**n_qubits) + 3e-6 * shots
        seconds *= noise.lognormvariate(0, 0.2) * (shots if dynamic and shots > 100 else 1) ** 0.5
        if aborted:
            reason = "not run: a lower point of its ladder aborted"
            yield point(
                shots=shots, seconds=None, status=Status.ABORT, skipped=True, reason=reason, elapsed_s=0, **common
            )
        elif seconds > 30:
            aborted = True
            yield point(
                shots=shots,
                seconds=None,
                status=Status.ABORT,
                abort_kind="timeout",
                reason="no answer within 30 s; the worker was killed",
                elapsed_s=30.1,
                **common,
            )
        elif (backend, case, n_qubits, shots) == ("native", "simon", 12, 10000):
            yield point(
                shots=shots,
                seconds=seconds,
                status=Status.FAIL,
                reason="wrong distribution: 214 of 10000 shots gave outcomes of probability 0, the most of them "
                "011010010110 (31 shots); p < 1e-300",
                **common,
            )
        else:
            yield point(shots=shots, seconds=seconds, **common)
