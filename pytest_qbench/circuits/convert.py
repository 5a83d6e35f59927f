"""From Qiskit's ``QuantumCircuit`` to a :class:`Program`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import (
    IF_ELSE,
    MEASURE,
    RESET,
    UNITARY,
    Condition,
    Instruction,
    Program,
)

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MAX_CONDITION_BITS = 16
"""A condition over more classical bits than this is refused: its truth table would be too large."""

MAX_MATRIX_QUBITS = 10
"""A gate that has neither a standard name nor a definition becomes a ``unitary`` up to this size."""

_IGNORED = frozenset({"barrier", "delay", "global_phase", "snapshot"})
# Only where the matrix has the same meaning under both names.
_ALIASES = {"cnot": "cx", "toffoli": "ccx", "mcp": "mcphase", "fredkin": "cswap", "mcx_gray": "mcx"}


class ConversionError(Exception):
    """The circuit holds something that no program can express; the message names it."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the bits of a (sub)circuit are in the whole program."""

    qubits: Mapping[Any, int]
    clbits: Mapping[Any, int]

    def inner(self, circuit: QuantumCircuit, qubits: Sequence[int], clbits: Sequence[int]) -> _Scope:
        return _Scope(dict(zip(circuit.qubits, qubits, strict=True)), dict(zip(circuit.clbits, clbits, strict=True)))


def from_qiskit(circuit: QuantumCircuit, name: str | None = None) -> Program:
    """Convert a circuit, mid-circuit measurement, reset, ``if_test``, ``switch`` and ``for_loop`` included.

    Standard gates keep their names; other gates are replaced by their definitions, or by their matrices where
    they have none. Barriers, delays and global phases are dropped.

    Raises:
        ConversionError: an instruction has no counterpart (``while_loop``, ``store``, unbound parameters, ...).
    """
    if circuit.parameters:
        names = ", ".join(sorted(parameter.name for parameter in circuit.parameters))
        raise ConversionError(f"the circuit has unbound parameters ({names}); assign them first")
    scope = _Scope(
        {qubit: index for index, qubit in enumerate(circuit.qubits)},
        {clbit: index for index, clbit in enumerate(circuit.clbits)},
    )
    instructions = tuple(_without_idle_resets(_convert_circuit(circuit, scope)))
    return Program(circuit.num_qubits, circuit.num_clbits, instructions, name or circuit.name or "circuit")


def _without_idle_resets(instructions: Iterator[Instruction]) -> Iterator[Instruction]:
    """Drop resets of qubits that nothing has touched: they would make a static circuit look dynamic."""
    touched: set[int] = set()
    for instruction in instructions:
        if instruction.name != RESET or not touched.isdisjoint(instruction.qubits):
            touched.update(instruction.qubits)
            yield instruction


def _convert_circuit(circuit: QuantumCircuit, scope: _Scope) -> Iterator[Instruction]:
    for item in circuit.data:
        qubits = tuple(scope.qubits[qubit] for qubit in item.qubits)
        clbits = tuple(scope.clbits[clbit] for clbit in item.clbits)
        yield from _convert_operation(item.operation, qubits, clbits, scope)


def _convert_operation(
    operation: Any, qubits: tuple[int, ...], clbits: tuple[int, ...], scope: _Scope
) -> Iterator[Instruction]:
    name = _ALIASES.get(operation.name, operation.name)
    if name in _IGNORED:
        return
    if name == MEASURE:
        yield Instruction(MEASURE, qubits, clbits=clbits)
    elif name == RESET:
        yield Instruction(RESET, qubits)
    elif name in _CONTROL_FLOW:
        yield from _CONTROL_FLOW[name](operation, qubits, clbits, scope)
    elif _is_standard(name, operation):
        yield Instruction(name, qubits, _numbers(operation))
    elif name == UNITARY:
        yield Instruction(UNITARY, qubits, matrix=_matrix(operation))
    elif getattr(operation, "definition", None) is not None:
        definition = operation.definition
        yield from _convert_circuit(definition, scope.inner(definition, qubits, clbits))
    elif hasattr(operation, "__array__") and len(qubits) <= MAX_MATRIX_QUBITS:
        yield Instruction(UNITARY, qubits, matrix=_matrix(operation))
    else:
        raise ConversionError(f"instruction {operation.name!r} has no counterpart in a program")


def _is_standard(name: str, operation: Any) -> bool:
    """Whether the operation is the standard gate of that name: a user's own gate may bear the name too."""
    gate = GATES.get(name)
    if gate is None or not (getattr(operation, "base_class", type(operation)).__module__ or "").startswith("qiskit."):
        return False
    controls_all_ones = getattr(operation, "ctrl_state", None)
    n_controls = getattr(operation, "num_ctrl_qubits", 0)
    if controls_all_ones is not None and controls_all_ones != (1 << n_controls) - 1:
        return False
    return (gate.n_qubits is None or gate.n_qubits == operation.num_qubits) and gate.n_params == len(operation.params)


def _numbers(operation: Any) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in operation.params)
    except (TypeError, ValueError) as error:
        raise ConversionError(f"gate {operation.name!r} has a parameter that is no number: {error}") from error


def _matrix(operation: Any) -> tuple[tuple[complex, ...], ...]:
    rows = operation.to_matrix().tolist()
    return tuple(tuple(complex(entry) for entry in row) for row in rows)


def _if_else(operation: Any, qubits: tuple[int, ...], clbits: tuple[int, ...], scope: _Scope) -> Iterator[Instruction]:
    blocks = tuple(_block(block, qubits, clbits, scope) for block in operation.blocks)
    condition = _condition(operation.condition, scope)
    yield Instruction(IF_ELSE, qubits, clbits=clbits, condition=condition, blocks=blocks)


def _for_loop(operation: Any, qubits: tuple[int, ...], clbits: tuple[int, ...], scope: _Scope) -> Iterator[Instruction]:
    values, parameter, body = operation.params
    for value in values:
        bound = body if parameter is None else body.assign_parameters({parameter: value})
        yield from _block(bound, qubits, clbits, scope)


def _switch(operation: Any, qubits: tuple[int, ...], clbits: tuple[int, ...], scope: _Scope) -> Iterator[Instruction]:
    from qiskit.circuit import CASE_DEFAULT

    table = _Table.of(operation.target, scope)
    cases: list[tuple[frozenset[int], tuple[Instruction, ...]]] = []
    taken: set[int] = set()
    for labels, body in operation.cases_specifier():
        rows = {row for row, value in enumerate(table.values) if CASE_DEFAULT in labels or value in labels}
        cases.append((frozenset(rows - taken), _block(body, qubits, clbits, scope)))
        taken |= rows
    # Nested, not one after the other: a body may write the bits that the switch reads.
    rest: tuple[Instruction, ...] = ()
    for matching, block in reversed(cases):
        condition = Condition(table.clbits, matching)
        blocks = (block, rest) if rest else (block,)
        rest = (Instruction(IF_ELSE, qubits, clbits=clbits, condition=condition, blocks=blocks),)
    yield from rest


def _block(
    circuit: QuantumCircuit, qubits: tuple[int, ...], clbits: tuple[int, ...], scope: _Scope
) -> tuple[Instruction, ...]:
    inner = scope.inner(circuit, qubits, clbits)
    # Conditions inside the block may name registers of the whole circuit, whose bits the block shares.
    return tuple(_convert_circuit(circuit, _Scope(inner.qubits, {**scope.clbits, **inner.clbits})))


def _refuse(operation: Any, *_: Any) -> Iterator[Instruction]:
    raise ConversionError(f"instruction {operation.name!r} is not supported in a benchmark circuit")


_CONTROL_FLOW: Mapping[str, Callable[..., Iterator[Instruction]]] = {
    "if_else": _if_else,
    "for_loop": _for_loop,
    "switch_case": _switch,
    "while_loop": _refuse,
    "break_loop": _refuse,
    "continue_loop": _refuse,
    "store": _refuse,
    "box": lambda operation, qubits, clbits, scope: iter(_block(operation.body, qubits, clbits, scope)),
}


def _condition(condition: Any, scope: _Scope) -> Condition:
    if isinstance(condition, tuple):  # (clbit or register, value): the form of if_test((bit, 1))
        target, wanted = condition
        table = _Table.of(target, scope)
        rows = {row for row, value in enumerate(table.values) if int(value) == int(wanted)}
    else:
        table = _Table.of(condition, scope)
        rows = {row for row, value in enumerate(table.values) if value}
    return Condition(table.clbits, frozenset(rows))


@dataclass(frozen=True, slots=True)
class _Table:
    """The value of a classical expression for every value of the bits it reads."""

    clbits: tuple[int, ...]
    values: tuple[int, ...]

    @classmethod
    def of(cls, target: Any, scope: _Scope) -> _Table:
        from qiskit.circuit import ClassicalRegister, Clbit
        from qiskit.circuit.classical import expr

        if isinstance(target, (Clbit, ClassicalRegister)):
            target = expr.lift(target)
        bits: list[int] = []
        for variable in expr.iter_vars(target):
            owned = [variable.var] if isinstance(variable.var, Clbit) else variable.var
            if not isinstance(owned, (list, ClassicalRegister)):
                raise ConversionError(f"a condition reads the classical variable {variable.name!r}; use classical bits")
            bits.extend(scope.clbits[bit] for bit in owned if scope.clbits[bit] not in bits)
        if len(bits) > MAX_CONDITION_BITS:
            raise ConversionError(f"a condition reads {len(bits)} classical bits; the most is {MAX_CONDITION_BITS}")
        position = {clbit: index for index, clbit in enumerate(bits)}

        def read(variable: Any, row: int) -> int:
            owned = [variable] if isinstance(variable, Clbit) else list(variable)
            return sum((row >> position[scope.clbits[bit]] & 1) << index for index, bit in enumerate(owned))

        return cls(tuple(bits), tuple(_evaluate(target, row, read) for row in range(1 << len(bits))))


def _evaluate(node: Any, row: int, read: Callable[[Any, int], int]) -> int:
    """The value of Qiskit's classical expression ``node`` for one row of the truth table."""
    from qiskit.circuit.classical import expr

    if isinstance(node, expr.Var):
        return read(node.var, row)
    if isinstance(node, expr.Value):
        return int(node.value)
    if isinstance(node, expr.Cast):
        value = _evaluate(node.operand, row, read)
        return int(bool(value)) if _width(node) == 1 else value & ((1 << _width(node)) - 1)
    if isinstance(node, expr.Index):
        return _evaluate(node.target, row, read) >> _evaluate(node.index, row, read) & 1
    if isinstance(node, expr.Unary):
        value = _evaluate(node.operand, row, read)
        if node.op is expr.Unary.Op.LOGIC_NOT:
            return int(not value)
        if node.op is expr.Unary.Op.BIT_NOT:
            return ~value & ((1 << _width(node)) - 1)
    if isinstance(node, expr.Binary) and node.op.name in _BINARY:
        left, right = _evaluate(node.left, row, read), _evaluate(node.right, row, read)
        return int(_BINARY[node.op.name](left, right)) & ((1 << _width(node)) - 1)
    raise ConversionError(
        f"a condition uses {type(node).__name__} {getattr(getattr(node, 'op', None), 'name', '')}".strip()
    )


def _width(node: Any) -> int:
    """The number of bits of an expression's type (a bool has one)."""
    return int(getattr(node.type, "width", 1))


_BINARY: Mapping[str, Callable[[int, int], int]] = {
    "BIT_AND": lambda a, b: a & b,
    "BIT_OR": lambda a, b: a | b,
    "BIT_XOR": lambda a, b: a ^ b,
    "LOGIC_AND": lambda a, b: bool(a) and bool(b),
    "LOGIC_OR": lambda a, b: bool(a) or bool(b),
    "EQUAL": lambda a, b: a == b,
    "NOT_EQUAL": lambda a, b: a != b,
    "LESS": lambda a, b: a < b,
    "LESS_EQUAL": lambda a, b: a <= b,
    "GREATER": lambda a, b: a > b,
    "GREATER_EQUAL": lambda a, b: a >= b,
    "SHIFT_LEFT": lambda a, b: a << b,
    "SHIFT_RIGHT": lambda a, b: a >> b,
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
}
