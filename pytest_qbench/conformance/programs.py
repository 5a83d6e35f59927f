"""Making the circuits that an adapter is tried on, and showing them.

They are the same in every run: what is random in them comes from fixed seeds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import (
    IF_ELSE,
    MEASURE,
    UNITARY,
    Condition,
    Instruction,
    Program,
)


def gate(name: str, *qubits: int, params: Sequence[float] = ()) -> Instruction:
    """A gate or channel on qubits."""
    return Instruction(name, qubits, tuple(params))


def measure(qubit: int, clbit: int) -> Instruction:
    """A measurement of ``qubit`` into ``clbit``."""
    return Instruction(MEASURE, (qubit,), clbits=(clbit,))


def measured(n_qubits: int, items: Iterable[Instruction]) -> Program:
    """``items``, then qubit i measured into classical bit i for all of them."""
    return Program(n_qubits, n_qubits, (*items, *(measure(i, i) for i in range(n_qubits))))


def if_else(
    clbits: Sequence[int], values: Iterable[int], block: Sequence[Instruction], other: Sequence[Instruction] = ()
) -> Instruction:
    """``block`` where ``clbits``, read as a number, take one of ``values``, else ``other``."""
    blocks = (tuple(block), tuple(other)) if other else (tuple(block),)
    inside = list(Program(0, 0, (*block, *other)).walk())
    qubits = sorted({qubit for item in inside for qubit in item.qubits})
    used = sorted({*clbits, *(clbit for item in inside for clbit in item.clbits)})
    condition = Condition(tuple(clbits), frozenset(values))
    return Instruction(IF_ELSE, tuple(qubits), (), tuple(used), None, condition, blocks)


def coin_tosses(n_qubits: int) -> Program:
    """All outcomes of ``n_qubits`` bits with equal probability."""
    return measured(n_qubits, [gate("h", qubit) for qubit in range(n_qubits)])


def gate_trials(name: str, *, clifford: bool) -> list[Program]:
    """Circuits in which the gate ``name`` stands between others, so that a wrong matrix shows in the outcomes.

    Its qubits are in any order and beside one that it leaves alone; ``mcx`` and ``mcphase`` have one to four controls.
    With ``clifford`` the other gates are Clifford and all angles quarter turns; there are more of those circuits, as
    each of them tells less.
    """
    rng = random.Random(name)
    sizes = [GATES[name].n_qubits] if GATES[name].n_qubits else [2, 3, 4, 5]
    programs = []
    for index in range(12 if clifford else 4):
        n_gate_qubits = sizes[index % len(sizes)]
        assert n_gate_qubits is not None
        n_qubits = n_gate_qubits + 1
        params = [_angle(rng, clifford) for _ in range(GATES[name].n_params)]
        tried = gate(name, *rng.sample(range(n_qubits), n_gate_qubits), params=params)
        layer = _clifford_layer if clifford else _generic_layer
        programs.append(measured(n_qubits, [*layer(rng, n_qubits), tried, *layer(rng, n_qubits)]))
    return programs


def _angle(rng: random.Random, clifford: bool) -> float:
    return rng.randrange(1, 4) * math.pi / 2 if clifford else rng.uniform(-2, 2) * math.pi


def unitary_trials(n_gate_qubits: int) -> list[Program]:
    """Circuits with a ``unitary`` of random entries, on qubits in any order."""
    rng, entries = random.Random(n_gate_qubits), np.random.default_rng(n_gate_qubits)
    programs = []
    for _ in range(3):
        n_qubits, size = n_gate_qubits + 1, 1 << n_gate_qubits
        matrix, _ = np.linalg.qr(entries.normal(size=(size, size)) + 1j * entries.normal(size=(size, size)))
        qubits = tuple(rng.sample(range(n_qubits), n_gate_qubits))
        tried = Instruction(UNITARY, qubits, matrix=tuple(map(tuple, matrix.tolist())))
        programs.append(measured(n_qubits, [*_generic_layer(rng, n_qubits), tried, *_generic_layer(rng, n_qubits)]))
    return programs


def noise_trial(*, clifford: bool) -> Program:
    """A circuit without noise, for noise models to be added to: gates on one to three qubits, some of which simulators
    rewrite in others or leave out, and measurements in another order."""
    rng = random.Random("noise")
    layer = _clifford_layer if clifford else _generic_layer
    tried = [gate("id", 0), gate("swap", 2, 1), gate("cy", 0, 2), gate("sdg", 1), gate("iswap", 1, 0)]
    if not clifford:
        tried += [gate("ccx", 2, 0, 1), gate("cu3", 1, 2, params=(0.4, 0.5, 0.6)), gate("p", 0, params=(0.7,))]
    items = [*layer(rng, 3), *tried, *layer(rng, 3)]
    return Program(3, 3, (*items, measure(0, 1), measure(2, 0), measure(1, 2)))


def _generic_layer(rng: random.Random, n_qubits: int) -> Iterator[Instruction]:
    """Every qubit turned by angles of its own, and a chain in random order."""
    for qubit in range(n_qubits):
        yield gate("ry", qubit, params=(rng.uniform(0.3, 0.7) * math.pi,))
        yield gate("rz", qubit, params=(rng.uniform(-1, 1) * math.pi,))
    yield from _chain(rng, n_qubits)
    for qubit in range(n_qubits):
        yield gate("ry", qubit, params=(rng.uniform(0.3, 0.7) * math.pi,))


def _clifford_layer(rng: random.Random, n_qubits: int) -> Iterator[Instruction]:
    for qubit in range(n_qubits):
        for name in rng.choices(("h", "s", "x"), k=2):
            yield gate(name, qubit)
    if rng.random() < 0.5:
        yield from _chain(rng, n_qubits)


def _chain(rng: random.Random, n_qubits: int) -> Iterator[Instruction]:
    order = rng.sample(range(n_qubits), n_qubits)
    for control, target in pairwise(order):
        yield gate("cx", control, target)


def random_circuit(n_qubits: int, names: Sequence[str], seed: int) -> Program:
    """15 gates of ``names`` per qubit at random, with random angles, measured into bits in another order."""
    rng = random.Random(seed)
    fitting = [name for name in names if (GATES[name].n_qubits or n_qubits + 1) <= n_qubits]
    items = [gate("h", qubit) for qubit in range(n_qubits)]
    for _ in range(15 * n_qubits):
        name = rng.choice(fitting)
        n_gate_qubits = GATES[name].n_qubits
        assert n_gate_qubits is not None
        params = [rng.uniform(-1, 1) * math.pi for _ in range(GATES[name].n_params)]
        items.append(gate(name, *rng.sample(range(n_qubits), n_gate_qubits), params=params))
    order = rng.sample(range(n_qubits), n_qubits)
    return Program(n_qubits, n_qubits, (*items, *(measure(qubit, clbit) for clbit, qubit in enumerate(order))))


def one_of(name: str) -> Program:
    """A circuit of the gate ``name`` alone, at angles that are no fraction of a turn."""
    definition = GATES[name]
    n_qubits = definition.n_qubits or 3
    return measured(
        n_qubits, [gate(name, *range(n_qubits), params=[0.3 + 0.1 * i for i in range(definition.n_params)])]
    )


def long_circuit(n_qubits: int, names: Sequence[str]) -> Program:
    """Five layers of one-qubit gates: work for a state-vector simulator, little for one that uses structure."""
    layer = [gate(name, qubit) for name in names for qubit in range(n_qubits)]
    return measured(n_qubits, layer * 5)


def listing(program: Program) -> str:
    """The program as text, an instruction a line, for messages."""
    head = f"circuit of {program.n_qubits} qubits and {program.n_clbits} classical bits:"
    lines = list(_lines(program.instructions, "    "))
    if len(lines) > 40:
        lines = [*lines[:30], f"    ... {len(lines) - 30} more"]
    return "\n".join([head, *lines])


def _lines(items: Iterable[Instruction], indent: str) -> Iterator[str]:
    for item in items:
        if item.condition is not None:
            yield f"{indent}if clbits {list(item.condition.clbits)} in {sorted(item.condition.values)}:"
            for number, block in enumerate(item.blocks):
                if number:
                    yield f"{indent}else:"
                yield from _lines(block, indent + "    ")
            continue
        params = f"({', '.join(f'{param:.6g}' for param in item.params)})" if item.params else ""
        qubits = " ".join(map(str, item.qubits))
        clbits = f" -> clbit {' '.join(map(str, item.clbits))}" if item.clbits else ""
        yield f"{indent}{item.name}{params} {qubits}{clbits}".rstrip()
