"""A stand-in for LRET's ``quantum_sim``: it speaks the same protocol, so that the adapter is tested without a build.

It knows three gates and channels of one operator, on a state vector in plain Python, and is no simulator of anybody's.
Beside the output it leaves what it was given: ``seen.json`` in the folder that ``STAND_IN_FOLDER`` names.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
from pathlib import Path
from typing import Any

_H = math.sqrt(0.5)
GATES: dict[str, list[list[complex]]] = {
    "X": [[0, 1], [1, 0]],
    "H": [[_H, _H], [_H, -_H]],
    "CNOT": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]],
}
"""The first wire is the most significant bit of a row."""


def main() -> int:
    """What the executable does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", action="version", version="stand-in for QuantumLRET-Sim v9.8.7")
    parser.add_argument("--input-json", type=Path, required=True)
    parser.add_argument("--output-json", type=Path, required=True)
    arguments = parser.parse_args()
    request = json.loads(arguments.input_json.read_text())
    if folder := os.environ.get("STAND_IN_FOLDER"):
        seen = {"input": request, "threads": os.environ["OMP_NUM_THREADS"]}
        (Path(folder) / "seen.json").write_text(json.dumps(seen))
    circuit, config = request["circuit"], request["config"]
    state = [0j] * (1 << circuit["num_qubits"])
    state[0] = 1
    for operation in circuit["operations"]:
        try:
            state = apply(state, matrix_of(operation), operation["wires"])
        except KeyError as error:
            print(f"JSON mode failed: Unsupported gate: {error}", file=sys.stderr)
            return 1
    weights = [abs(amplitude) ** 2 for amplitude in state]
    samples = random.choices(range(len(state)), weights, k=config["shots"])
    result = {"status": "success", "execution_time_ms": 0.1, "final_rank": 1, "samples": samples}
    arguments.output_json.write_text(json.dumps(result, indent=2))
    print(f"Wrote JSON results to {arguments.output_json}")
    return 0


def matrix_of(operation: dict[str, Any]) -> list[list[complex]]:
    """The matrix of an operation."""
    if operation["name"] != "KRAUS":
        return GATES[operation["name"]]
    (operator,) = operation["kraus_operators"]
    return [
        [complex(re, im) for re, im in zip(*rows, strict=True)]
        for rows in zip(operator["real"], operator["imag"], strict=True)
    ]


def apply(state: list[complex], matrix: list[list[complex]], wires: list[int]) -> list[complex]:
    """A matrix on wires; qubit 0 is the least significant bit of an index of the state."""
    result = [0j] * len(state)
    mask = sum(1 << wire for wire in wires)
    bits = list(reversed(wires))
    for index, amplitude in enumerate(state):
        column = sum((index >> wire & 1) << bit for bit, wire in enumerate(bits))
        for row, entries in enumerate(matrix):
            image = index & ~mask | sum((row >> bit & 1) << wire for bit, wire in enumerate(bits))
            result[image] += entries[column] * amplitude
    return result


if __name__ == "__main__":
    sys.exit(main())
