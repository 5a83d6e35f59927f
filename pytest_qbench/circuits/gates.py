"""The standard gates: names, numbers of qubits and parameters, matrices, and how controlled gates are built.

Names, parameters and matrices are those of Qiskit's circuit library. A matrix is little-endian in the gate's own
qubits; controls come first. Standard library only.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pytest_qbench.circuits.program import UNITARY, Instruction, Matrix

_SQRT_HALF = math.sqrt(0.5)


@dataclass(frozen=True, slots=True)
class Gate:
    """One standard gate.

    ``n_qubits`` is None where any number of controls goes (``mcx``, ``mcphase``). A controlled gate has a
    ``base`` that acts on the last qubits when all others are 1; every other gate has a ``matrix`` function.
    ``diagonal`` tells whether the matrix is diagonal for all parameters.
    """

    name: str
    n_qubits: int | None
    n_params: int = 0
    matrix: Callable[..., Matrix] | None = None
    base: str | None = None
    diagonal: bool = False


def _diag(*entries: complex) -> Matrix:
    size = len(entries)
    return tuple(tuple(entries[r] if r == c else 0j for c in range(size)) for r in range(size))


def _permutation(images: Sequence[int], phases: Sequence[complex] | None = None) -> Matrix:
    """The matrix that sends basis state c to ``images[c]`` (times ``phases[c]``)."""
    size = len(images)
    rows = [[0j] * size for _ in range(size)]
    for column, row in enumerate(images):
        rows[row][column] = complex(phases[column]) if phases else 1 + 0j
    return tuple(map(tuple, rows))


def _exp(angle: float) -> complex:
    return cmath.exp(1j * angle)


def _u(theta: float, phi: float, lam: float) -> Matrix:
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    return ((cos + 0j, -_exp(lam) * sin), (_exp(phi) * sin, _exp(phi + lam) * cos))


def _rx(theta: float) -> Matrix:
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    return ((cos + 0j, -1j * sin), (-1j * sin, cos + 0j))


def _ry(theta: float) -> Matrix:
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    return ((cos + 0j, -sin + 0j), (sin + 0j, cos + 0j))


def _rz(theta: float) -> Matrix:
    return _diag(_exp(-theta / 2), _exp(theta / 2))


def _r(theta: float, phi: float) -> Matrix:
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    return ((cos + 0j, -1j * _exp(-phi) * sin), (-1j * _exp(phi) * sin, cos + 0j))


def _rxx(theta: float) -> Matrix:
    cos, isin = math.cos(theta / 2) + 0j, -1j * math.sin(theta / 2)
    return ((cos, 0j, 0j, isin), (0j, cos, isin, 0j), (0j, isin, cos, 0j), (isin, 0j, 0j, cos))


def _ryy(theta: float) -> Matrix:
    cos, isin = math.cos(theta / 2) + 0j, 1j * math.sin(theta / 2)
    return ((cos, 0j, 0j, isin), (0j, cos, -isin, 0j), (0j, -isin, cos, 0j), (isin, 0j, 0j, cos))


def _rzz(theta: float) -> Matrix:
    minus, plus = _exp(-theta / 2), _exp(theta / 2)
    return _diag(minus, plus, plus, minus)


def _rzx(theta: float) -> Matrix:
    cos, isin = math.cos(theta / 2) + 0j, 1j * math.sin(theta / 2)
    return ((cos, 0j, -isin, 0j), (0j, cos, 0j, isin), (-isin, 0j, cos, 0j), (0j, isin, 0j, cos))


def _xx_minus_yy(theta: float, beta: float) -> Matrix:
    cos, isin = math.cos(theta / 2) + 0j, -1j * math.sin(theta / 2)
    return (
        (cos, 0j, 0j, isin * _exp(-beta)),
        (0j, 1 + 0j, 0j, 0j),
        (0j, 0j, 1 + 0j, 0j),
        (isin * _exp(beta), 0j, 0j, cos),
    )


def _xx_plus_yy(theta: float, beta: float) -> Matrix:
    cos, isin = math.cos(theta / 2) + 0j, -1j * math.sin(theta / 2)
    return (
        (1 + 0j, 0j, 0j, 0j),
        (0j, cos, isin * _exp(-beta), 0j),
        (0j, isin * _exp(beta), cos, 0j),
        (0j, 0j, 0j, 1 + 0j),
    )


def _ecr() -> Matrix:
    a, b = _SQRT_HALF + 0j, 1j * _SQRT_HALF
    return ((0j, a, 0j, b), (a, 0j, -b, 0j), (0j, b, 0j, a), (-b, 0j, a, 0j))


def _constant(matrix: Matrix) -> Callable[[], Matrix]:
    return lambda: matrix


_H = ((_SQRT_HALF + 0j, _SQRT_HALF + 0j), (_SQRT_HALF + 0j, -_SQRT_HALF + 0j))
_SX = ((0.5 + 0.5j, 0.5 - 0.5j), (0.5 - 0.5j, 0.5 + 0.5j))
_SXDG = ((0.5 - 0.5j, 0.5 + 0.5j), (0.5 + 0.5j, 0.5 - 0.5j))
_T = _exp(math.pi / 4)


def _fixed(name: str, matrix: Matrix, *, diagonal: bool = False) -> Gate:
    return Gate(name, len(matrix).bit_length() - 1, 0, _constant(matrix), None, diagonal)


_PLAIN = (
    _fixed("id", _diag(1, 1), diagonal=True),
    _fixed("x", _permutation((1, 0))),
    _fixed("y", ((0j, -1j), (1j, 0j))),
    _fixed("z", _diag(1, -1), diagonal=True),
    _fixed("h", _H),
    _fixed("s", _diag(1, 1j), diagonal=True),
    _fixed("sdg", _diag(1, -1j), diagonal=True),
    _fixed("t", _diag(1, _T), diagonal=True),
    _fixed("tdg", _diag(1, _T.conjugate()), diagonal=True),
    _fixed("sx", _SX),
    _fixed("sxdg", _SXDG),
    Gate("p", 1, 1, lambda angle: _diag(1, _exp(angle)), diagonal=True),
    Gate("u1", 1, 1, lambda angle: _diag(1, _exp(angle)), diagonal=True),
    Gate("rx", 1, 1, _rx),
    Gate("ry", 1, 1, _ry),
    Gate("rz", 1, 1, _rz, diagonal=True),
    Gate("r", 1, 2, _r),
    Gate("u", 1, 3, _u),
    Gate("u2", 1, 2, lambda phi, lam: _u(math.pi / 2, phi, lam)),
    Gate("u3", 1, 3, _u),
    _fixed("swap", _permutation((0, 2, 1, 3))),
    _fixed("iswap", _permutation((0, 2, 1, 3), (1, 1j, 1j, 1))),
    _fixed("dcx", _permutation((0, 2, 3, 1))),
    _fixed("ecr", _ecr()),
    Gate("rxx", 2, 1, _rxx),
    Gate("ryy", 2, 1, _ryy),
    Gate("rzz", 2, 1, _rzz, diagonal=True),
    Gate("rzx", 2, 1, _rzx),
    Gate("xx_minus_yy", 2, 2, _xx_minus_yy),
    Gate("xx_plus_yy", 2, 2, _xx_plus_yy),
    # The relative-phase Toffoli gates: permutations with phases (Maslov, arXiv:1508.03273).
    _fixed("rccx", _permutation((0, 1, 2, 7, 4, 5, 6, 3), (1, 1, 1, 1j, 1, -1, 1, -1j))),
)

_CONTROLLED = (
    Gate("cx", 2, 0, base="x"),
    Gate("cy", 2, 0, base="y"),
    Gate("cz", 2, 0, base="z", diagonal=True),
    Gate("ch", 2, 0, base="h"),
    Gate("cs", 2, 0, base="s", diagonal=True),
    Gate("csdg", 2, 0, base="sdg", diagonal=True),
    Gate("csx", 2, 0, base="sx"),
    Gate("cp", 2, 1, base="p", diagonal=True),
    Gate("cu1", 2, 1, base="p", diagonal=True),
    Gate("crx", 2, 1, base="rx"),
    Gate("cry", 2, 1, base="ry"),
    Gate("crz", 2, 1, base="rz", diagonal=True),
    Gate("cu3", 2, 3, base="u"),
    # ``cu`` has a fourth parameter, the phase of the base gate: see control_form.
    Gate("cu", 2, 4, base="u"),
    Gate("ccx", 3, 0, base="x"),
    Gate("ccz", 3, 0, base="z", diagonal=True),
    Gate("cswap", 3, 0, base="swap"),
    Gate("mcx", None, 0, base="x"),
    Gate("mcphase", None, 1, base="p", diagonal=True),
)

GATES: Mapping[str, Gate] = {gate.name: gate for gate in (*_PLAIN, *_CONTROLLED)}
"""Every standard gate by name. A program holds these, ``unitary``, and the non-gates."""


def control_form(instruction: Instruction) -> tuple[int, Instruction] | None:
    """A controlled gate as its number of controls and the gate on the remaining (last) qubits.

    None for a gate that is not controlled by construction, ``unitary`` included.
    """
    gate = GATES.get(instruction.name)
    if gate is None or gate.base is None:
        return None
    base = GATES[gate.base]
    assert base.n_qubits is not None
    n_controls = len(instruction.qubits) - base.n_qubits
    targets = instruction.qubits[n_controls:]
    if instruction.name == "cu":
        theta, phi, lam, gamma = instruction.params
        phase = _exp(gamma)
        matrix = tuple(tuple(phase * entry for entry in row) for row in _u(theta, phi, lam))
        return n_controls, Instruction(UNITARY, targets, matrix=matrix)
    return n_controls, Instruction(base.name, targets, instruction.params)


def gate_matrix(instruction: Instruction) -> Matrix:
    """The matrix of a gate, ``2**k`` rows for k qubits, little-endian in ``instruction.qubits``.

    Raises:
        KeyError: the instruction is no gate, or none that is known.
    """
    if instruction.name == UNITARY:
        assert instruction.matrix is not None
        return instruction.matrix
    gate = GATES[instruction.name]
    if gate.matrix is not None:
        return gate.matrix(*instruction.params)
    form = control_form(instruction)
    assert form is not None
    n_controls, base = form
    return _controlled(n_controls, gate_matrix(base))


def is_diagonal(instruction: Instruction) -> bool:
    """Whether the gate's matrix is diagonal (a ``unitary`` is looked at)."""
    if instruction.name == UNITARY:
        assert instruction.matrix is not None
        return all(entry == 0 for r, row in enumerate(instruction.matrix) for c, entry in enumerate(row) if r != c)
    gate = GATES.get(instruction.name)
    return gate is not None and gate.diagonal


def _controlled(n_controls: int, matrix: Matrix) -> Matrix:
    """``matrix`` on the high qubits when the low ``n_controls`` qubits are all 1, else the identity."""
    ones = (1 << n_controls) - 1
    size = len(matrix) << n_controls
    rows = [[1 + 0j if r == c else 0j for c in range(size)] for r in range(size)]
    for r, row in enumerate(matrix):
        for c, entry in enumerate(row):
            rows[r << n_controls | ones][c << n_controls | ones] = entry
    return tuple(map(tuple, rows))
