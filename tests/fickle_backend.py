"""A backend whose faults, version and speed a test sets by files beside its copy in the test's folder."""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faulty_backends import Good

from pytest_qbench.backends.base import Description

HERE = Path(__file__).parent


class Fickle(Good):
    """Does at ``<qubits> <shots>`` what ``faults.json`` says: ``lie``, ``crash`` or ``hang``."""

    name = "fickle"
    lies = False

    def describe(self) -> Description:
        version = HERE / "version.txt"
        text = version.read_text() if version.exists() else "1.0"
        return Description(text, {"fickle": text}, threads=self.threads)

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        faults = HERE / "faults.json"
        found = json.loads(faults.read_text()) if faults.exists() else {}
        fault = found.get(f"{self.width} {shots}")
        if fault == "crash":
            ctypes.string_at(0)
        if fault == "hang":
            time.sleep(60)
        self.lies = fault == "lie"
        return super().run(prepared, shots, seed)

    def counts(self, result: Any) -> Mapping[str, int]:
        return {"1" * self.width: result} if self.lies else super().counts(result)
