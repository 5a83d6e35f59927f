"""Rows of gradient scenarios as a real run gives them, made by arithmetic."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from pytest_qbench.report.rows import build_row
from pytest_qbench.results import PointResult, Status

SIZES = (100, 500, 1000, 2000)

# Path -> milliseconds per sample at 12 qubits with 2 layers, milliseconds whatever the samples.
PATHS = {
    "pennylane/default.qubit": (906.0, 20.0),
    "pennylane/lightning.qubit": (431.0, 15.0),
    "pennylane-tuned/default.qubit": (105.0, 160.0),
    "pennylane-tuned/lightning.qubit": (72.0, 12.0),
    "qdp": (850.0, 25.0),
    "qdp/lightning.qubit": (378.0, 18.0),
    "lightning/adjoint": (6.6, 4.0),
    "native/shift": (7.4, 30.0),
    "native/adjoint": (0.85, 6.0),
}
UNAVAILABLE = {"custatevec/shift": "no CUDA device: libcuda.so.1 is not there"}

# Shares of encode, inject, circuit, framework.
_SHARES = {"pennylane": (0.05, 0.001, 0.61, 0.339), "qdp": (0.002, 0.03, 0.62, 0.348)}
_SHARE_OF_CACHED = (0.006, 0.04, 0.90, 0.054)


def rows(
    paths: Sequence[str] = tuple(PATHS),
    qubits: Sequence[int] = (12,),
    samples: Sequence[int] = SIZES,
    deadline_s: float = 700.0,
    seed: int = 1,
    **params: Any,
) -> list[dict[str, Any]]:
    """One row per path and number of qubits, as read from ``results.jsonl``; calls above the deadline abort."""
    noise = random.Random(seed)
    made = [_row(noise, path, n, samples, deadline_s, params) for n in qubits for path in paths]
    made += [_unavailable(path, reason, n, samples, params) for n in qubits for path, reason in UNAVAILABLE.items()]
    return [json.loads(json.dumps(row)) for row in made]


def seconds(path: str, n_qubits: int, samples: int) -> float:
    """The median that a row is made around."""
    per_sample, fixed = PATHS[path]
    return 1e-3 * (per_sample * samples * 2.0 ** ((n_qubits - 12) * 0.9) + fixed)


def _row(
    noise: random.Random, path: str, n_qubits: int, samples: Sequence[int], deadline_s: float, params: dict[str, Any]
) -> dict[str, Any]:
    points = []
    for size in samples:
        expected = seconds(path, n_qubits, size)
        if expected > deadline_s:
            reason = f"no answer within the deadline of {deadline_s:g} s"
            failure = {"status": Status.ABORT, "reason": reason, "abort_kind": "timeout"}
            points.append(_point(path, n_qubits, size, samples, params, **failure, skipped=bool(points)))
            continue
        count = 1 if expected > 20 else 9
        rounds = tuple(expected * noise.gauss(1, 0.01) for _ in range(count))
        facts = {
            "evaluations": size * (2 if "adjoint" in path else 96),
            "n_nonzero": 5,
            "split": _split(noise, path, expected),
            "floor_s": size * 0.0002 * 2.0 ** (n_qubits - 12) if path == "native/adjoint" else None,
        }
        points.append(_point(path, n_qubits, size, samples, params, facts, rounds_s=rounds))
    return build_row(points, "20260131-235959-3fa9", {})


def _split(noise: random.Random, path: str, total: float) -> dict[str, Any] | None:
    family = path.partition("/")[0]
    if family == "lightning":
        return None
    encode, inject, _, framework = _SHARES.get(family, _SHARE_OF_CACHED)
    shares = {
        "full": 1.0,
        "states": 1 - encode,
        "body": 1 - encode - inject,
        "null": framework,
        "encode": encode + inject + framework,
        "inject": inject + framework,
    }
    if path == "pennylane-tuned/default.qubit":
        del shares["body"], shares["null"]
    rounds = {name: [total / 96 * share * noise.gauss(1, 0.003) for _ in range(15)] for name, share in shares.items()}
    return {**rounds, "units": 96}


def _point(
    path: str,
    n_qubits: int,
    size: int,
    samples: Sequence[int],
    params: dict[str, Any],
    facts: dict[str, Any] | None = None,
    **more: Any,
) -> PointResult:
    swept = {"layers": 2, "encoding": "amplitude", "observable": "z0", "dataset": "synthetic", **params}
    name = f"gradient[{path}-{swept['encoding']}-q{n_qubits}-l{swept['layers']}"
    states = size * 2**n_qubits * 8
    timed = bool(more.get("rounds_s"))
    fields: dict[str, Any] = {
        "nodeid": f"qbench::{name}-n{size}]",
        "instance": f"{name}]",
        "backend": path,
        "spec": path,
        "case": "gradient",
        "n_qubits": n_qubits,
        "params": swept,
        "shots": size,
        "ladder": tuple(samples),
        "status": Status.PASS,
        "kind": "gradient",
        "memory": {
            "rss_before": 300_000_000,
            "rss_after": 310_000_000 + states,
            "rss_delta": 10_000_000 + states,
            "rss_peak": 320_000_000 + 2 * states,
            "device_peak": None,
        }
        if timed
        else {},
        "description": {
            "version": "0.45.1" if "pennylane" in path else "0.1.0",
            "versions": {"pennylane": "0.45.1"} if "pennylane" in path else {"torch": "2.13.0"},
            "device": "CPU",
            "precision": "double",
            "threads": 2,
        }
        if timed
        else {},
        "threads": 2,
        "seed": 42,
        "timeout_s": 700.0,
        "gradient": {
            "n_parameters": 2 * swept["layers"] * n_qubits,
            "encoding": swept["encoding"],
            "observable": swept["observable"],
            "dataset": {
                "name": swept["dataset"],
                "sha256": "5f2a" * 16,
                "fitted": f"{2**n_qubits} values as they are",
                "n_available": 1797,
            },
            **(facts or {}),
        },
    }
    return PointResult(**(fields | more))


def _unavailable(
    path: str, reason: str, n_qubits: int, samples: Sequence[int], params: dict[str, Any]
) -> dict[str, Any]:
    failure = {"status": Status.UNAVAILABLE, "reason": reason}
    points = [_point(path, n_qubits, size, samples, params, **failure) for size in samples]
    return build_row(points, "20260131-235959-3fa9", {})


ENVIRONMENT: dict[str, Any] = {
    "schema": 1,
    "cpu": {
        "model": "Example <CPU> & Co",
        "machine": "x86_64",
        "physical": 2,
        "logical": 4,
        "usable": 2,
        "virtual": True,
        "governor": None,
        "load_average": [0.1, 0.1, 0.1],
    },
    "memory": {"total": 16 * 2**30, "available": 12 * 2**30},
    "limits": {"cpus": 2.0, "memory": None},
    "gpus": [],
    "os": {"system": "Linux", "distribution": "Debian GNU/Linux 12", "kernel": "6.1.0", "libc": "glibc 2.36"},
    "python": {"version": "3.11.7", "implementation": "CPython", "compiler": "GCC 12"},
    "packages": {"pytest": "9.0.0", "torch": "2.13.0", "pennylane": "0.45.1"},
    "thread_variables": {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": None},
    "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
    "ci": None,
}
