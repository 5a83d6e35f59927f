"""Lowering: rewrite a program in the gates that a backend takes.

A gate that the backend takes stays as it is; else a rule replaces it by simpler gates (equal up to a global phase,
which no measurement sees), and what has no rule becomes a ``unitary`` if the backend takes one of that size.
Standard library only: this runs in the worker.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from pytest_qbench.backends.base import Capabilities, UnsupportedError
from pytest_qbench.circuits.gates import GATES, gate_matrix
from pytest_qbench.circuits.program import CHANNELS, IF_ELSE, UNITARY, Instruction, Matrix, Program

_PI = math.pi

Rule = Callable[..., Iterable[Instruction]]
"""Takes the gate's qubits and parameters and yields what replaces it."""


def lower(program: Program, capabilities: Capabilities) -> Program:
    """Rewrite ``program`` in what ``capabilities`` allows; a program that needs nothing comes back itself.

    Raises:
        UnsupportedError: it has more qubits than the backend takes, is dynamic or noisy where the backend is not, or
            has a gate that can't be lowered (named).
    """
    if capabilities.max_qubits is not None and program.n_qubits > capabilities.max_qubits:
        raise UnsupportedError(f"{program.n_qubits} qubits; it takes at most {capabilities.max_qubits}")
    if program.is_dynamic and not capabilities.dynamic:
        raise UnsupportedError("dynamic circuit (measurement, reset or condition inside the circuit)")
    if program.is_noisy and not capabilities.noise:
        channels = sorted({item.name for item in program.walk() if item.name in CHANNELS})
        raise UnsupportedError(f"noise ({', '.join(channels)})")
    if all(_is_native(item, capabilities) for item in program.walk() if item.is_gate):
        return program
    return Program(
        program.n_qubits,
        program.n_clbits,
        tuple(_lower_all(program.instructions, capabilities)),
        program.name,
    )


def _is_native(gate: Instruction, capabilities: Capabilities) -> bool:
    if gate.name == UNITARY:
        return len(gate.qubits) <= capabilities.unitary_qubits
    return gate.name in capabilities.gates


def _lower_all(instructions: Iterable[Instruction], capabilities: Capabilities) -> Iterator[Instruction]:
    for item in instructions:
        if item.name == IF_ELSE:
            blocks = tuple(tuple(_lower_all(block, capabilities)) for block in item.blocks)
            yield Instruction(IF_ELSE, item.qubits, (), item.clbits, None, item.condition, blocks)
        elif not item.is_gate or _is_native(item, capabilities):
            yield item
        else:
            yield from _lower_gate(item, capabilities)


def _lower_gate(gate: Instruction, capabilities: Capabilities) -> list[Instruction]:
    """Replace one gate: by its rule if that leads to gates that the backend takes, else by its matrix."""
    lowered: list[Instruction] | None = None
    replacement = _by_rule(gate, capabilities)
    if replacement is not None:
        # What the rule leads to may not be taken where the matrix is.
        with suppress(UnsupportedError):
            lowered = list(_lower_all(replacement, capabilities))
    if lowered is not None and not any(item.name == UNITARY for item in lowered):
        return lowered
    known = gate.name in GATES
    if known and len(gate.qubits) == 1 and "u" in capabilities.gates:
        return list(_u_of_matrix(gate.qubits[0], gate_matrix(gate)))
    if known and len(gate.qubits) <= capabilities.unitary_qubits:
        return [Instruction(UNITARY, gate.qubits, matrix=gate_matrix(gate))]
    if lowered is not None:
        return lowered
    size = "" if known and GATES[gate.name].n_qubits else f" on {len(gate.qubits)} qubits"
    raise UnsupportedError(f"gate {gate.name!r}{size}")


def _by_rule(gate: Instruction, capabilities: Capabilities) -> list[Instruction] | None:
    if gate.name == UNITARY:
        assert gate.matrix is not None
        return list(_u_of_matrix(gate.qubits[0], gate.matrix)) if len(gate.qubits) == 1 else None
    if gate.name in ("mcx", "mcphase"):
        return _multi_controlled(gate)
    if (
        gate.name in ("p", "u1", "rz")
        and "s" in capabilities.gates
        and (turns := _quarter_turns(gate.params[0])) is not None
    ):
        return [_gate("s", *gate.qubits)] * turns
    if gate.name == "cx" and "cz" in capabilities.gates:  # not a rule: cz has one that leads to cx
        control, target = gate.qubits
        return [_gate("h", target), _gate("cz", control, target), _gate("h", target)]
    rule = _RULES.get(gate.name)
    return None if rule is None else list(rule(*gate.qubits, *gate.params))


def _quarter_turns(angle: float) -> int | None:
    """How many S gates a phase of ``angle`` is; None where it is no multiple of a quarter turn."""
    turns = angle / (_PI / 2)
    return round(turns) % 4 if abs(turns - round(turns)) < 1e-9 else None


def _gate(name: str, *operands: float) -> Instruction:
    """A standard gate from its qubits, then its parameters."""
    n_qubits = GATES[name].n_qubits
    assert n_qubits is not None
    return Instruction(name, tuple(int(q) for q in operands[:n_qubits]), tuple(operands[n_qubits:]))


def _u_of_matrix(qubit: int, matrix: Matrix) -> Iterator[Instruction]:
    """A one-qubit matrix as ``u(theta, phi, lam)`` up to a global phase."""
    (a, b), (c, d) = matrix
    theta = 2 * math.atan2(abs(c), abs(a))
    if abs(a) > 1e-12:
        phi = cmath.phase(c) - cmath.phase(a) if abs(c) > 1e-12 else 0.0
        total = cmath.phase(d) - cmath.phase(a) if abs(d) > 1e-12 else 0.0
        lam = total - phi
    else:
        phi, lam = cmath.phase(c), cmath.phase(-b)
    yield _gate("u", qubit, theta, phi, lam)


def _multi_controlled(gate: Instruction) -> list[Instruction]:
    """``mcx`` and ``mcphase`` by halving (Barenco et al., Phys. Rev. A 52, 3457, Lemma 7.5): no spare qubits."""
    *controls, target = gate.qubits
    if gate.name == "mcx":
        if len(controls) == 1:
            return [_gate("cx", *controls, target)]
        if len(controls) == 2:
            return [_gate("ccx", *controls, target)]
        phase = Instruction("mcphase", gate.qubits, (_PI,))
        return [_gate("h", target), phase, _gate("h", target)]
    (angle,) = gate.params
    if len(controls) == 1:
        return [_gate("cp", *controls, target, angle)]
    *rest, last = controls
    flip = Instruction("mcx", (*rest, last))
    return [
        _gate("cp", last, target, angle / 2),
        flip,
        _gate("cp", last, target, -angle / 2),
        flip,
        Instruction("mcphase", (*rest, target), (angle / 2,)),
    ]


def _controlled_u(c: int, t: int, theta: float, phi: float, lam: float, gamma: float = 0.0) -> list[Instruction]:
    """A controlled ``u`` with a phase, by the ABC decomposition (Barenco et al., Lemma 5.1)."""
    return [
        _gate("p", c, gamma + (lam + phi) / 2),
        _gate("p", t, (lam - phi) / 2),
        _gate("cx", c, t),
        _gate("u", t, -theta / 2, 0.0, -(phi + lam) / 2),
        _gate("cx", c, t),
        _gate("u", t, theta / 2, phi, 0.0),
    ]


def _toffoli(a: int, b: int, t: int) -> list[Instruction]:
    """The Clifford+T Toffoli of Nielsen and Chuang, figure 4.9."""
    steps = (
        ("h", t), ("cx", b, t), ("tdg", t), ("cx", a, t), ("t", t), ("cx", b, t), ("tdg", t), ("cx", a, t),
        ("t", b), ("t", t), ("h", t), ("cx", a, b), ("t", a), ("tdg", b), ("cx", a, b),
    )  # fmt: skip
    return [_gate(*step) for step in steps]


def _sequence(*steps: tuple[str, ...]) -> Rule:
    """A rule for a gate without parameters; operands are letters: a, b, c for the first, second, third qubit."""

    def rule(*qubits: int) -> list[Instruction]:
        return [_gate(name, *(qubits["abc".index(letter)] for letter in operands)) for name, *operands in steps]

    return rule


_RULES: Mapping[str, Rule] = {
    "id": lambda q: [],
    "y": _sequence(("z", "a"), ("x", "a")),
    "z": lambda q: [_gate("p", q, _PI)],
    "s": lambda q: [_gate("p", q, _PI / 2)],
    "sdg": lambda q: [_gate("p", q, -_PI / 2)],
    "t": lambda q: [_gate("p", q, _PI / 4)],
    "tdg": lambda q: [_gate("p", q, -_PI / 4)],
    "sx": _sequence(("h", "a"), ("s", "a"), ("h", "a")),
    "sxdg": _sequence(("h", "a"), ("sdg", "a"), ("h", "a")),
    "x": lambda q: [_gate("u", q, _PI, 0.0, _PI)],
    "h": lambda q: [_gate("u", q, _PI / 2, 0.0, _PI)],
    "p": lambda q, lam: [_gate("rz", q, lam)],
    "u1": lambda q, lam: [_gate("p", q, lam)],
    "u2": lambda q, phi, lam: [_gate("u", q, _PI / 2, phi, lam)],
    "u3": lambda q, theta, phi, lam: [_gate("u", q, theta, phi, lam)],
    "r": lambda q, theta, phi: [_gate("u", q, theta, phi - _PI / 2, _PI / 2 - phi)],
    "rx": lambda q, theta: [_gate("u", q, theta, -_PI / 2, _PI / 2)],
    "u": lambda q, theta, phi, lam: [_gate("rz", q, lam), _gate("ry", q, theta), _gate("rz", q, phi)],
    "cy": _sequence(("sdg", "b"), ("cx", "a", "b"), ("s", "b")),
    "cz": _sequence(("h", "b"), ("cx", "a", "b"), ("h", "b")),
    "ch": lambda c, t: _controlled_u(c, t, _PI / 2, 0.0, _PI),
    "cs": lambda c, t: [_gate("cp", c, t, _PI / 2)],
    "csdg": lambda c, t: [_gate("cp", c, t, -_PI / 2)],
    "csx": lambda c, t: [_gate("h", t), _gate("cp", c, t, _PI / 2), _gate("h", t)],
    "cu1": lambda c, t, lam: [_gate("cp", c, t, lam)],
    "cp": lambda c, t, lam: [
        _gate("p", c, lam / 2),
        _gate("cx", c, t),
        _gate("p", t, -lam / 2),
        _gate("cx", c, t),
        _gate("p", t, lam / 2),
    ],
    "crx": lambda c, t, theta: [_gate("h", t), _gate("crz", c, t, theta), _gate("h", t)],
    "cry": lambda c, t, theta: [
        _gate("ry", t, theta / 2),
        _gate("cx", c, t),
        _gate("ry", t, -theta / 2),
        _gate("cx", c, t),
    ],
    "crz": lambda c, t, theta: [
        _gate("rz", t, theta / 2),
        _gate("cx", c, t),
        _gate("rz", t, -theta / 2),
        _gate("cx", c, t),
    ],
    "cu3": _controlled_u,
    "cu": _controlled_u,
    "swap": _sequence(("cx", "a", "b"), ("cx", "b", "a"), ("cx", "a", "b")),
    "iswap": _sequence(("s", "a"), ("s", "b"), ("h", "a"), ("cx", "a", "b"), ("cx", "b", "a"), ("h", "b")),
    "dcx": _sequence(("cx", "a", "b"), ("cx", "b", "a")),
    "ecr": lambda a, b: [_gate("rzx", a, b, _PI / 4), _gate("x", a), _gate("rzx", a, b, -_PI / 4)],
    "rzz": lambda a, b, theta: [_gate("cx", a, b), _gate("rz", b, theta), _gate("cx", a, b)],
    "rxx": lambda a, b, theta: [
        *(_gate("h", q) for q in (a, b)),
        _gate("rzz", a, b, theta),
        *(_gate("h", q) for q in (a, b)),
    ],
    "ryy": lambda a, b, theta: [
        *(_gate("rx", q, _PI / 2) for q in (a, b)),
        _gate("rzz", a, b, theta),
        *(_gate("rx", q, -_PI / 2) for q in (a, b)),
    ],
    "rzx": lambda a, b, theta: [_gate("h", b), _gate("rzz", a, b, theta), _gate("h", b)],
    "xx_plus_yy": lambda a, b, theta, beta: [
        _gate("rz", a, beta),
        _gate("rxx", a, b, theta / 2),
        _gate("ryy", a, b, theta / 2),
        _gate("rz", a, -beta),
    ],
    "xx_minus_yy": lambda a, b, theta, beta: [
        _gate("rz", b, -beta),
        _gate("rxx", a, b, theta / 2),
        _gate("ryy", a, b, -theta / 2),
        _gate("rz", b, beta),
    ],
    "ccx": _toffoli,
    "ccz": _sequence(("h", "c"), ("ccx", "a", "b", "c"), ("h", "c")),
    "cswap": _sequence(("cx", "c", "b"), ("ccx", "a", "b", "c"), ("cx", "c", "b")),
    "rccx": lambda a, b, t: [
        *(_gate(*step) for step in (("h", t), ("t", t), ("cx", b, t), ("tdg", t), ("cx", a, t))),
        *(_gate(*step) for step in (("t", t), ("cx", b, t), ("tdg", t), ("h", t))),
    ],
}
