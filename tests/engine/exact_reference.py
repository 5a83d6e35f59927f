"""An exact simulator that is too simple to be wrong, and random programs to try on it.

It shares nothing with the engine: matrices come from Qiskit, a gate is one tensor contraction, and each outcome of a
measurement is a state of its own, never merged, whose squared norm is its probability.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit.library import get_standard_gate_name_mapping

from pytest_qbench import Condition, Instruction, Program
from pytest_qbench.circuits.gates import GATES

State = NDArray[np.complex128]
_QISKIT = get_standard_gate_name_mapping()
_X = np.array([[0, 1], [1, 0]], complex)


def final_state(program: Program) -> State:
    """The state of a program without measurements, in Qiskit's order."""
    ((_, state),) = _run(program.instructions, [(0, _zeros(program.n_qubits))])
    return state.reshape(-1)


def distribution(program: Program) -> dict[str, float]:
    """Bit string -> probability, for any program with few measurements."""
    probabilities: Counter[str] = Counter()
    for memory, state in _run(program.instructions, [(0, _zeros(program.n_qubits))]):
        key = format(memory, f"0{program.n_clbits}b") if program.n_clbits else ""
        probabilities[key] += float(np.vdot(state, state).real)
    return {key: value for key, value in probabilities.items() if value > 1e-12}


def _zeros(n_qubits: int) -> State:
    state = np.zeros((2,) * n_qubits, complex)
    state[(0,) * n_qubits] = 1
    return state


def _run(instructions: Iterable[Instruction], branches: list[tuple[int, State]]) -> list[tuple[int, State]]:
    for item in instructions:
        branches = [child for memory, state in branches for child in _step(item, memory, state)]
    return branches


def _step(item: Instruction, memory: int, state: State) -> list[tuple[int, State]]:
    if item.name == "measure":
        children = [(memory, state)]
        for qubit, clbit in zip(item.qubits, item.clbits, strict=True):
            children = [
                (old & ~(1 << clbit) | value << clbit, _project(part, qubit, value))
                for old, part in children
                for value in (0, 1)
            ]
    elif item.name == "reset":
        children = [(memory, state)]
        for qubit in item.qubits:
            children = [
                (old, projected)
                for old, part in children
                for projected in (_project(part, qubit, 0), _apply(_X, [qubit], _project(part, qubit, 1)))
            ]
    elif item.name == "if_else":
        assert item.condition is not None
        blocks = [*item.blocks, (), ()]
        children = _run(blocks[0] if item.condition.holds(memory) else blocks[1], [(memory, state)])
    else:
        children = [(memory, _apply(gate_operator(item), item.qubits, state))]
    return [(bits, part) for bits, part in children if np.vdot(part, part).real > 1e-14]


def _project(state: State, qubit: int, value: int) -> State:
    projected = np.zeros_like(state)
    index: list[int | slice] = [slice(None)] * state.ndim
    index[state.ndim - 1 - qubit] = value
    projected[tuple(index)] = state[tuple(index)]
    return projected


def _apply(matrix: NDArray[np.complex128], qubits: Sequence[int], state: State) -> State:
    """Contract a matrix, little-endian in ``qubits``, with a state whose axis n - 1 - q is qubit q."""
    k, n = len(qubits), state.ndim
    axes = [n - 1 - qubit for qubit in reversed(qubits)]
    product = np.tensordot(matrix.reshape((2,) * (2 * k)), state, (range(k, 2 * k), axes))
    return np.moveaxis(product, range(k), axes)


def gate_operator(item: Instruction) -> NDArray[np.complex128]:
    """The matrix of a gate, little-endian in its qubits."""
    if item.name == "unitary":
        return np.array(item.matrix)
    base = {"mcx": "x", "mcphase": "p"}.get(item.name, item.name)
    matrix = type(_QISKIT[base])(*item.params).to_matrix()
    if base != item.name:  # the base gate where all controls are 1; the target is the most significant bit
        size = 1 << len(item.qubits)
        controlled = np.eye(size, dtype=complex)
        controlled[np.ix_([size // 2 - 1, size - 1], [size // 2 - 1, size - 1])] = matrix
        return controlled
    return matrix


def random_gate(rng: random.Random, n_qubits: int, name: str | None = None) -> Instruction:
    """A gate of any kind that fits (of the given name), with random parameters on random qubits."""
    if name is None:
        fitting = [gate.name for gate in GATES.values() if (gate.n_qubits or 2) <= n_qubits]
        name = rng.choice([*fitting, "unitary"])
    if name == "unitary":
        return random_unitary(rng, rng.sample(range(n_qubits), rng.randint(1, min(3, n_qubits))))
    gate = GATES[name]
    size = gate.n_qubits or rng.randint(2, n_qubits)
    params = tuple(rng.uniform(-4, 4) for _ in range(gate.n_params))
    return Instruction(name, tuple(rng.sample(range(n_qubits), size)), params)


def random_unitary(rng: random.Random, qubits: Sequence[int]) -> Instruction:
    """A random ``unitary`` instruction."""
    generator = np.random.default_rng(rng.randrange(2**32))
    size = 1 << len(qubits)
    matrix, _ = np.linalg.qr(generator.normal(size=(size, size)) + 1j * generator.normal(size=(size, size)))
    rows = tuple(tuple(complex(entry) for entry in row) for row in matrix)
    return Instruction("unitary", tuple(qubits), matrix=rows)


def random_gates(rng: random.Random, n_qubits: int, n_gates: int) -> tuple[Instruction, ...]:
    """Random gates of all kinds."""
    return tuple(random_gate(rng, n_qubits) for _ in range(n_gates))


def random_static(seed: int, n_qubits: int, n_gates: int) -> Program:
    """Random gates, then some qubits measured into some of the classical bits."""
    rng = random.Random(seed)
    gates = random_gates(rng, n_qubits, n_gates)
    n_clbits = n_qubits + rng.randint(0, 2)
    n_measured = rng.randint(1, n_qubits)
    pairs = zip(rng.sample(range(n_qubits), n_measured), rng.sample(range(n_clbits), n_measured), strict=True)
    return Program(n_qubits, n_clbits, (*gates, *(Instruction("measure", (q,), clbits=(c,)) for q, c in pairs)))


def random_dynamic(seed: int, n_qubits: int, n_items: int) -> Program:
    """A product state, then gates, measurements (some into a used bit), resets and nested conditionals in any order."""
    rng = random.Random(seed)
    n_clbits = rng.randint(1, 4)

    def items(number: int, depth: int) -> Iterable[Instruction]:
        for _ in range(number):
            kind = rng.choices(["gate", "measure", "reset", "if_else"], [6, 1.5, 0.7, 1.2 if depth < 2 else 0])[0]
            if kind == "gate":
                yield random_gate(rng, n_qubits)
            elif kind == "measure":
                yield Instruction("measure", (rng.randrange(n_qubits),), clbits=(rng.randrange(n_clbits),))
            elif kind == "reset":
                yield Instruction("reset", (rng.randrange(n_qubits),))
            else:
                clbits = tuple(rng.sample(range(n_clbits), rng.randint(1, n_clbits)))
                values = [value for value in range(1 << len(clbits)) if rng.random() < 0.5]
                blocks = tuple(tuple(items(rng.randint(0, 3), depth + 1)) for _ in range(rng.randint(1, 2)))
                yield Instruction("if_else", condition=Condition(clbits, frozenset(values)), blocks=blocks)

    start = tuple(Instruction("ry", (qubit,), (rng.uniform(0.5, 2.5),)) for qubit in range(n_qubits))
    body = tuple(items(n_items, 0))
    measured = tuple(
        Instruction("measure", (qubit,), clbits=(rng.randrange(n_clbits),))
        for qubit in range(n_qubits)
        if rng.random() < 0.5
    )
    return Program(n_qubits, n_clbits, start + body + measured)
