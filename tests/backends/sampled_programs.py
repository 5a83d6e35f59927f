"""Programs that show whether an adapter does each gate and puts each bit in its place, and the check of its counts."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence

from pytest_qbench import Backend, Condition, Instruction, Program
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.verify.exact import exact_distribution
from pytest_qbench.verify.goodness import check_counts


def gate(name: str, *qubits: int, params: Sequence[float] = ()) -> Instruction:
    return Instruction(name, qubits, tuple(params))


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


def reset(qubit: int) -> Instruction:
    return Instruction("reset", (qubit,))


def if_else(
    clbits: tuple[int, ...], values: set[int], then: Sequence[Instruction], otherwise: Sequence[Instruction] = ()
) -> Instruction:
    blocks = (tuple(then), tuple(otherwise)) if otherwise else (tuple(then),)
    return Instruction("if_else", condition=Condition(clbits, frozenset(values)), blocks=blocks)


ASYMMETRIC = Program(3, 3, (gate("x", 0), measure(0, 1), measure(1, 0), measure(2, 2)))
"""Gives 010: qubit 0 goes to classical bit 1."""

GAPS = Program(3, 5, (gate("x", 2), gate("h", 0), gate("cx", 0, 1), measure(2, 3), measure(0, 1), measure(1, 4)))
"""Gives 01000 and 11010: bits 0 and 2 are never written."""

REPEATED = Program(
    2, 4, (gate("h", 0), measure(0, 2), gate("cx", 0, 1), measure(0, 0), measure(1, 1), gate("x", 1), measure(1, 3))
)
"""Gives 1000 and 0111: qubit 0 is measured twice, and qubit 1 before and after a flip."""

OVERWRITTEN = Program(2, 2, (gate("x", 0), measure(0, 1), measure(1, 1), gate("h", 1), measure(1, 0), measure(0, 1)))
"""Gives 10 and 11: bit 1 is written three times, and qubit 0's last result stays."""

RESETS = Program(
    2,
    3,
    (gate("h", 0), gate("cx", 0, 1), reset(0), measure(0, 0), measure(1, 1), reset(1), gate("x", 1), measure(1, 2)),
)
"""Gives 100 and 110: a reset qubit, and the one that was entangled with it."""

TELEPORTED = Program(
    3,
    3,
    (
        *(gate("h", 0), gate("s", 0), gate("h", 1), gate("cx", 1, 2), gate("cx", 0, 1), gate("h", 0)),
        *(measure(0, 0), measure(1, 1), if_else((1,), {1}, [gate("x", 2)]), if_else((0,), {1}, [gate("z", 2)])),
        *(gate("sdg", 2), gate("h", 2), measure(2, 2)),
    ),
)
"""Gives 000, 001, 010 and 011: the state of qubit 0 arrives at qubit 2, and its preparation is undone there."""


def run(backend: Backend, program: Program, shots: int = 100, seed: int = 1) -> dict[str, int]:
    prepared = backend.prepare(lower(program, backend.capabilities()))
    return dict(backend.counts(backend.run(prepared, shots, seed)))


def assert_exact(backend: Backend, program: Program, shots: int = 2000) -> None:
    """The backend's counts follow the exact distribution."""
    counts = run(backend, program, shots)
    precision = backend.describe().precision
    check = check_counts(counts, exact_distribution(program), shots, precision=precision)
    assert check.passed, check.message


def gate_in_context(name: str, seed: int = 0) -> Program:
    """One gate, its qubits in any order, between rotations and entangling gates on all qubits."""
    rng = random.Random(f"{name} {seed}")
    spec = GATES[name]
    n_qubits = (spec.n_qubits or 4) + 1
    order = rng.sample(range(n_qubits), spec.n_qubits or 4)
    params = [rng.uniform(-math.pi, math.pi) for _ in range(spec.n_params)]

    def scrambled() -> Iterator[Instruction]:
        for qubit in range(n_qubits):
            yield gate("u", qubit, params=[rng.uniform(-math.pi, math.pi) for _ in range(3)])
        for qubit in range(n_qubits - 1):
            yield gate("cx", qubit, qubit + 1)

    return _measured(n_qubits, [*scrambled(), gate(name, *order, params=params), *scrambled()], rng)


def random_program(
    seed: int, draw_gate: Callable[[random.Random, int], Instruction], conditions: bool, n_qubits: int = 3
) -> Program:
    """Gates with measurements, resets and, if wanted, conditions between them."""
    rng = random.Random(f"dynamic {seed}")

    def conditional() -> Instruction:
        clbits = tuple(rng.sample(range(n_qubits), rng.randint(1, 2)))
        values = {value for value in range(1 << len(clbits)) if rng.random() < 0.5}
        blocks = [[draw_gate(rng, n_qubits) for _ in range(rng.randint(1, 2))] for _ in range(2)]
        return if_else(clbits, values, *blocks)

    items: list[Instruction] = []
    for _ in range(18):
        kind = rng.random()
        if kind < 0.6:
            items.append(draw_gate(rng, n_qubits))
        elif kind < 0.75:
            items.append(measure(rng.randrange(n_qubits), rng.randrange(n_qubits)))
        elif kind < 0.85 or not conditions:
            items.append(reset(rng.randrange(n_qubits)))
        else:
            items.append(conditional())
    return _measured(n_qubits, items, rng, n_clbits=n_qubits + 2)


def any_gate(rng: random.Random, n_qubits: int) -> Instruction:
    """A gate by which amplitudes become anything."""
    if rng.random() < 0.4:
        return gate(rng.choice(["cx", "swap", "cz"]), *rng.sample(range(n_qubits), 2))
    return gate("u", rng.randrange(n_qubits), params=[rng.uniform(-math.pi, math.pi) for _ in range(3)])


def _measured(n_qubits: int, items: Sequence[Instruction], rng: random.Random, n_clbits: int = 0) -> Program:
    """``items``, and every qubit measured into a bit drawn without repetition."""
    n_clbits = n_clbits or n_qubits
    clbits = rng.sample(range(n_clbits), n_qubits)
    return Program(n_qubits, n_clbits, (*items, *(measure(qubit, clbit) for qubit, clbit in enumerate(clbits))))
