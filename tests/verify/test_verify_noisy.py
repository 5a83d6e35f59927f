"""The exact reference of circuits with noise, against Qiskit's density matrices and Aer's errors."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import DensityMatrix, Kraus, Operator, SuperOp
from qiskit_aer.noise import amplitude_damping_error, depolarizing_error, phase_damping_error

from pytest_qbench import Condition, Instruction, Program
from pytest_qbench.circuits.noise import KINDS, NoiseModel, with_noise
from pytest_qbench.verify import noisy
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.noisy import UnverifiableError, noisy_distribution

_QISKIT = get_standard_gate_name_mapping()
_PROJECTORS = [Operator([[1, 0], [0, 0]]), Operator([[0, 0], [0, 1]])]
_RESET = SuperOp(Kraus([[[1, 0], [0, 0]], [[0, 1], [0, 0]]]))
Ensemble = dict[int, DensityMatrix]
"""Classical memory -> density matrix whose trace is its probability."""


def by_qiskit(program: Program) -> dict[str, float]:
    """Bit string -> probability, one operation after the other on the whole matrix."""
    ensemble = _run(program.instructions, {0: DensityMatrix.from_label("0" * program.n_qubits)})
    return {format(memory, f"0{program.n_clbits}b"): rho.trace().real for memory, rho in ensemble.items()}


def _run(items: Iterable[Instruction], ensemble: Ensemble) -> Ensemble:
    for item in items:
        parts = [part for memory, rho in ensemble.items() for part in _step(item, memory, rho).items()]
        ensemble = {}
        for memory, rho in parts:
            ensemble[memory] = ensemble[memory] + rho if memory in ensemble else rho
    return ensemble


def _step(item: Instruction, memory: int, rho: DensityMatrix) -> Ensemble:
    if item.name == "measure":
        (qubit,), (clbit,) = item.qubits, item.clbits
        others = memory & ~(1 << clbit)
        return {others | bit << clbit: rho.evolve(_PROJECTORS[bit], [qubit]) for bit in (0, 1)}
    if item.name == "readout_error":
        (clbit,) = item.clbits
        chance = item.params[memory >> clbit & 1]
        return {memory ^ 1 << clbit: rho * chance, memory: rho * (1 - chance)}
    if item.name == "if_else":
        assert item.condition is not None
        blocks = [*item.blocks, (), ()]
        return _run(blocks[0] if item.condition.holds(memory) else blocks[1], {memory: rho})
    return {memory: rho.evolve(_operation(item), list(item.qubits))}


def _operation(item: Instruction) -> Operator | SuperOp:
    if item.name == "reset":
        return _RESET
    if item.name == "depolarizing":
        return SuperOp(depolarizing_error(item.params[0], len(item.qubits)))
    if item.name == "amplitude_damping":
        return SuperOp(amplitude_damping_error(item.params[0]))
    if item.name == "phase_damping":
        return SuperOp(phase_damping_error(item.params[0]))
    return Operator(type(_QISKIT[item.name])(*item.params))


def gate(name: str, *qubits: int, params: Iterable[float] = ()) -> Instruction:
    return Instruction(name, qubits, tuple(params))


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


def readout(clbit: int, *params: float) -> Instruction:
    return Instruction("readout_error", (), params, (clbit,))


def random_item(rng: random.Random, n: int, *, dynamic: bool, deep: bool = True) -> Instruction:
    kind = rng.random()
    if kind < 0.3:
        name = rng.choice(["depolarizing", "amplitude_damping", "phase_damping"])
        size = rng.randint(1, min(2, n)) if name == "depolarizing" else 1
        return gate(name, *rng.sample(range(n), size), params=[rng.choice([rng.uniform(0, 0.2), rng.random(), 1.0])])
    if dynamic and kind < 0.5:
        if kind < 0.36:
            return measure(rng.randrange(n), rng.randrange(n))
        if kind < 0.4:
            return gate("reset", rng.randrange(n))
        if kind < 0.44:
            return readout(rng.randrange(n), rng.random(), rng.random())
        if deep:
            condition = Condition((rng.randrange(n),), frozenset({rng.randint(0, 1)}))
            blocks = tuple(
                tuple(random_item(rng, n, dynamic=True, deep=False) for _ in range(rng.randint(1, 3))) for _ in range(2)
            )
            return Instruction("if_else", condition=condition, blocks=blocks)
    names = ["h", "sx", "t", "u", "ry", "cx", "cp", "swap", "iswap", "ccx", "cswap"]
    name = rng.choice([name for name in names if _QISKIT[name].num_qubits <= n])
    params = [rng.uniform(-3, 3) for _ in _QISKIT[name].params]
    return gate(name, *rng.sample(range(n), _QISKIT[name].num_qubits), params=params)


def random_program(seed: int, *, dynamic: bool) -> Program:
    rng = random.Random(f"noisy {seed}")
    n = rng.randint(1, 4)
    items = [random_item(rng, n, dynamic=dynamic) for _ in range(rng.randint(1, 25))]
    clbits = rng.sample(range(n + 1), n)
    final = [item for qubit, clbit in enumerate(clbits) for item in (measure(qubit, clbit), readout(clbit, 0.1, 0.3))]
    return Program(n, n + 1, (*items, *final[: rng.randint(1, len(final))]))


def as_dict(distribution: Distribution) -> dict[str, float]:
    keys = [distribution.key(index) for index in range(len(distribution.probabilities))]
    return dict(zip(keys, map(float, distribution.probabilities), strict=True))


def assert_same(program: Program) -> None:
    found, expected = as_dict(noisy_distribution(program)), by_qiskit(program)
    keys = found.keys() | expected.keys()
    assert {key: found.get(key, 0.0) for key in keys} == pytest.approx(
        {key: expected.get(key, 0.0) for key in keys}, abs=1e-10
    )


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_random_programs(dynamic: bool, seed: int) -> None:
    assert_same(random_program(seed, dynamic=dynamic))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_models(kind: str) -> None:
    for seed in range(3):
        rng = random.Random(seed)
        gates = [random_item(rng, 4, dynamic=False) for _ in range(20)]
        plain = Program(4, 4, (*(item for item in gates if item.is_gate), *(measure(i, 3 - i) for i in range(4))))
        assert_same(with_noise(plain, NoiseModel(kind, 0.07)))


def test_noise_after_a_measurement_does_not_change_its_outcome() -> None:
    items = (gate("x", 0), measure(0, 0), gate("depolarizing", 0, params=[1.0]), measure(0, 1))
    assert as_dict(noisy_distribution(Program(1, 2, items))) == pytest.approx({"01": 0.5, "11": 0.5}, abs=1e-12)


def test_gates_on_many_qubits() -> None:
    """They are applied to rows and columns, and not as a map."""
    flip = Instruction("mcx", (4, 1, 3, 0, 2))
    start = [gate("x", qubit) for qubit in (0, 1, 3, 4)]
    decay = gate("amplitude_damping", 2, params=[0.25])
    reads = [measure(i, i) for i in range(5)]
    found = as_dict(noisy_distribution(Program(5, 5, (*start, flip, decay, *reads))))
    assert {key: value for key, value in found.items() if value > 1e-12} == pytest.approx(
        {"11111": 0.75, "11011": 0.25}
    )


def ghz(n_qubits: int) -> Program:
    chain = [gate("cx", i, i + 1) for i in range(n_qubits - 1)]
    reads = [measure(i, i) for i in range(n_qubits)]
    return Program(n_qubits, n_qubits, (gate("h", 0), *chain, *reads))


def test_ten_qubits_are_verified() -> None:
    """The parity of all qubits in the other basis shrinks with each Pauli error; phase damping is one such."""
    strength = 0.02
    turned = [gate("h", i) for i in range(10)]
    items = [item for item in ghz(10).instructions if item.name != "measure"]
    damped = [gate("phase_damping", i, params=[strength]) for i in range(10)]
    program = Program(10, 10, (*items, *damped, *turned, *(measure(i, i) for i in range(10))))
    found = as_dict(noisy_distribution(program))
    even = sum(value for key, value in found.items() if key.count("1") % 2 == 0)
    assert even == pytest.approx((1 + math.sqrt(1 - strength) ** 10) / 2)


def test_larger_ones_are_not() -> None:
    program = with_noise(ghz(11), NoiseModel("depolarizing", 0.01))
    with pytest.raises(UnverifiableError, match="a circuit with noise is verified up to 10 qubits; this one has 11"):
        noisy_distribution(program)


def test_readout_errors_alone_are_verified_at_any_size() -> None:
    """The state before them is pure."""
    found = as_dict(noisy_distribution(with_noise(ghz(14), NoiseModel("readout", 0.1))))
    assert found["0" * 14] == pytest.approx((0.9**14 + 0.1**14) / 2)
    assert found["0" * 13 + "1"] == pytest.approx((0.9**13 * 0.1 + 0.1**13 * 0.9) / 2)


def test_too_much_work_is_refused() -> None:
    program = with_noise(ghz(8), NoiseModel("depolarizing", 0.01))
    with pytest.raises(UnverifiableError, match="takes more than 1e\\+05 multiply-adds"):
        noisy_distribution(program, max_work=1e5)


def test_too_many_branches_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noisy, "MAX_ENTRIES", 4**3 * 4)
    coins = [item for i in range(3) for item in (gate("h", i), measure(i, i), gate("h", i))]
    program = Program(3, 3, (*coins, gate("depolarizing", 0, params=[0.1]), measure(0, 0)))
    with pytest.raises(UnverifiableError, match="exact density matrices of 3 qubits are too many"):
        noisy_distribution(program)
