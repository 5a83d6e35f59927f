"""The fixed circuits that an adapter is tried on, and those outcomes of theirs that need no simulator to tell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pytest_qbench.circuits.program import (
    AMPLITUDE_DAMPING,
    DEPOLARIZING,
    PHASE_DAMPING,
    READOUT_ERROR,
    RESET,
    Instruction,
    Program,
)
from pytest_qbench.conformance.programs import gate, if_else, measure, measured

BITS: Mapping[str, tuple[Program, str]] = {
    "qubit 0 is the rightmost bit": (measured(3, [gate("x", 0)]), "001"),
    "the last qubit is the leftmost bit": (measured(3, [gate("x", 2)]), "100"),
    "the first qubit of cx is its control": (measured(3, [gate("x", 0), gate("cx", 0, 2)]), "101"),
    "the second qubit of cx is its target": (measured(3, [gate("x", 2), gate("cx", 0, 2)]), "100"),
    "classical bits go where the measurements say": (
        Program(3, 3, (gate("x", 0), gate("x", 1), measure(0, 1), measure(1, 2), measure(2, 0))),
        "110",
    ),
    "measurements come in any order": (
        Program(3, 3, (gate("x", 0), measure(2, 0), measure(0, 2), measure(1, 1))),
        "100",
    ),
    "bits that are never written are 0": (
        Program(3, 5, (gate("x", 0), gate("x", 2), measure(0, 4), measure(2, 1))),
        "10010",
    ),
    "qubits that are never measured leave no bits": (
        Program(4, 1, (gate("x", 1), gate("h", 0), gate("x", 3), measure(3, 0))),
        "1",
    ),
    "qubits that nothing acts on are 0": (Program(5, 2, (gate("x", 3), measure(3, 0), measure(1, 1))), "01"),
    "a qubit is measured while others go on": (
        Program(3, 3, (gate("x", 0), measure(0, 2), gate("x", 1), gate("cx", 1, 2), measure(1, 0), measure(2, 1))),
        "111",
    ),
    "a circuit without gates": (measured(2, []), "00"),
    "a circuit of one qubit": (measured(1, [gate("x", 0)]), "1"),
    "more classical bits than a machine word has": (
        Program(2, 70, (gate("x", 0), measure(0, 69), measure(1, 3))),
        "1" + "0" * 69,
    ),
}
"""Circuits with one possible outcome, and that outcome."""


def _rounds(n_rounds: int) -> Iterator[Instruction]:
    """Feedback: a random bit again and again decides whether qubit 1 is flipped."""
    for _ in range(n_rounds):
        yield from (gate("h", 0), measure(0, 0), if_else([0], [1], [gate("x", 0), gate("x", 1)]))


_COIN = (gate("h", 0), measure(0, 0))
_COINS = (*_COIN, gate("h", 1), measure(1, 1))

DYNAMIC: Mapping[str, Program] = {
    "a gate after a measurement": Program(2, 2, (*_COIN, gate("cx", 0, 1), measure(1, 1))),
    "a measurement changes the state": Program(1, 2, (*_COIN, gate("h", 0), measure(0, 1))),
    "a qubit measured into two bits": Program(1, 3, (gate("h", 0), measure(0, 0), measure(0, 2))),
    "a bit is overwritten": Program(2, 1, (gate("x", 0), measure(0, 0), measure(1, 0))),
    "reset of a 1": Program(2, 2, (gate("x", 0), gate(RESET, 0), measure(0, 0), gate("x", 1), measure(1, 1))),
    "reset of an entangled qubit": Program(
        2, 2, (gate("h", 0), gate("cx", 0, 1), gate(RESET, 0), measure(0, 0), measure(1, 1))
    ),
    "a qubit used again after its reset": Program(
        1, 2, (gate("h", 0), measure(0, 0), gate(RESET, 0), gate("x", 0), measure(0, 1))
    ),
    "a condition without else": Program(2, 2, (*_COIN, if_else([0], [1], [gate("x", 1)]), measure(1, 1))),
    "a condition on 0": Program(2, 2, (*_COIN, if_else([0], [0], [gate("x", 1)]), measure(1, 1))),
    "a condition with else": Program(
        3, 3, (*_COIN, if_else([0], [1], [gate("x", 1)], [gate("x", 2)]), measure(1, 1), measure(2, 2))
    ),
    "a condition with nothing but else": Program(2, 2, (*_COIN, if_else([0], [1], [], [gate("x", 1)]), measure(1, 1))),
    "a condition on a bit that was never written": Program(
        2, 2, (*_COIN, if_else([1], [0], [gate("x", 1)]), measure(1, 1))
    ),
    **{
        f"a condition on two bits with the values {sorted(values)}": Program(
            3, 3, (*_COINS, if_else([0, 1], values, [gate("x", 2)]), measure(2, 2))
        )
        for values in ([], [2], [0, 3], [1, 2, 3], [0, 1, 2, 3])
    },
    "a condition on two bits, the higher one first": Program(
        3, 3, (*_COINS, if_else([1, 0], [2], [gate("x", 2)]), measure(2, 2))
    ),
    "a condition inside a condition": Program(
        3,
        3,
        (*_COINS, if_else([0], [1], [if_else([1], [1], [gate("x", 2)], [gate("h", 2)])]), measure(2, 2)),
    ),
    "measurement and reset inside a condition": Program(
        2,
        3,
        (
            *_COIN,
            gate("h", 1),
            if_else([0], [1], [measure(1, 1), gate("cx", 0, 1)], [gate(RESET, 1)]),
            measure(1, 2),
        ),
    ),
    "teleportation": Program(
        3,
        3,
        (
            *(gate("h", 0), gate("s", 0), gate("h", 1), gate("cx", 1, 2), gate("cx", 0, 1), gate("h", 0)),
            *(measure(0, 0), measure(1, 1)),
            *(if_else([1], [1], [gate("x", 2)]), if_else([0], [1], [gate("z", 2)])),
            *(gate("sdg", 2), gate("h", 2), measure(2, 2)),
        ),
    ),
    "20 rounds of feedback": Program(2, 2, (*_rounds(20), gate("h", 1), gate("s", 1), gate("h", 1), measure(1, 1))),
}
"""Dynamic circuits in Clifford gates; the exact reference judges them."""


def _noisy(name: str, strength: float, *qubits: int) -> Instruction:
    return gate(name, *qubits, params=(strength,))


def _readout(clbit: int, one_for_zero: float = 0.1, zero_for_one: float = 0.3) -> Instruction:
    return Instruction(READOUT_ERROR, (), (one_for_zero, zero_for_one), (clbit,))


_KEPT = 0.5 + math.sqrt(1 - 0.4) / 2
"""The share of |+> that is found in |+> after damping of strength 0.4."""

NOISE: Mapping[str, Mapping[str, tuple[Program, Mapping[str, float]]]] = {
    DEPOLARIZING: {
        "a 1": (measured(1, [gate("x", 0), _noisy(DEPOLARIZING, 0.3, 0)]), {"0": 0.15, "1": 0.85}),
        "a superposition": (
            measured(1, [gate("h", 0), _noisy(DEPOLARIZING, 0.3, 0), gate("h", 0)]),
            {"0": 0.85, "1": 0.15},
        ),
        "nothing left": (measured(1, [gate("x", 0), _noisy(DEPOLARIZING, 1.0, 0)]), {"0": 0.5, "1": 0.5}),
        "two qubits": (
            measured(3, [gate("x", 0), gate("x", 2), _noisy(DEPOLARIZING, 0.4, 2, 0)]),
            {"000": 0.1, "001": 0.1, "100": 0.1, "101": 0.7},
        ),
    },
    AMPLITUDE_DAMPING: {
        "a 1": (measured(1, [gate("x", 0), _noisy(AMPLITUDE_DAMPING, 0.4, 0)]), {"0": 0.4, "1": 0.6}),
        "a 0": (measured(1, [gate("id", 0), _noisy(AMPLITUDE_DAMPING, 0.4, 0)]), {"0": 1.0}),
        "a superposition": (
            measured(1, [gate("h", 0), _noisy(AMPLITUDE_DAMPING, 0.4, 0), gate("h", 0)]),
            {"0": _KEPT, "1": 1 - _KEPT},
        ),
        "in its place": (
            measured(3, [gate("x", 0), gate("x", 2), _noisy(AMPLITUDE_DAMPING, 0.4, 0), gate("x", 0)]),
            {"100": 0.6, "101": 0.4},
        ),
    },
    PHASE_DAMPING: {
        "a 1": (measured(1, [gate("x", 0), _noisy(PHASE_DAMPING, 0.4, 0)]), {"1": 1.0}),
        "a superposition": (
            measured(1, [gate("h", 0), _noisy(PHASE_DAMPING, 0.4, 0), gate("h", 0)]),
            {"0": _KEPT, "1": 1 - _KEPT},
        ),
    },
    READOUT_ERROR: {
        "the same for both values": (
            Program(2, 2, (gate("x", 1), measure(0, 0), measure(1, 1), _readout(0, 0.2, 0.2), _readout(1, 0.2, 0.2))),
            {"00": 0.16, "01": 0.04, "10": 0.64, "11": 0.16},
        ),
        "a 0 and a 1": (
            Program(2, 2, (gate("x", 1), measure(0, 0), measure(1, 1), _readout(0), _readout(1))),
            {"00": 0.27, "01": 0.03, "10": 0.63, "11": 0.07},
        ),
        "in its place": (
            Program(2, 3, (gate("x", 0), measure(0, 2), _readout(2), measure(1, 0))),
            {"100": 0.7, "000": 0.3},
        ),
    },
}
"""Channel -> circuits with it, and their outcomes by the definition of the channel."""

NOISE_IN_BLOCK = (
    Program(
        2,
        2,
        (*_COIN, gate("x", 1), if_else([0], [1], [_noisy(DEPOLARIZING, 1.0, 1)]), measure(1, 1)),
    ),
    {"10": 0.5, "01": 0.25, "11": 0.25},
)
"""A channel that belongs to a condition."""
