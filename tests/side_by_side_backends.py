"""Backends for the tests of points measured side by side: they take time, or crash for a while."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from faulty_backends import Good

from pytest_qbench.backends.base import Description


class Sleeps(Good):
    """Takes 50 ms for a call, and tells on which CPUs it may run."""

    def describe(self) -> Description:
        cpus = " ".join(map(str, sorted(os.sched_getaffinity(0)))) if hasattr(os, "sched_getaffinity") else ""
        return Description("1.0", {"pid": str(os.getpid()), "cpus": cpus}, threads=self.threads)

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        time.sleep(0.05)
        return super().run(prepared, shots, seed)


class Large(Sleeps):
    """Says that it needs 1 TiB for 3 qubits and more."""

    @classmethod
    def memory_needed(cls, n_qubits: int, options: Mapping[str, Any]) -> int:
        return 1 << 40 if n_qubits > 2 else 1


class CrashesOnce(Good):
    """Ends its process in the first call of 10 shots in its folder."""

    times: ClassVar[int] = 1

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        if shots == 10:
            with Path("crashes").open("a+") as file:
                file.write("x")
                if file.tell() <= self.times:
                    file.flush()
                    os.abort()
        return super().run(prepared, shots, seed)


class AlwaysCrashes(CrashesOnce):
    """Ends its process in every call of 10 shots."""

    times = 1000
