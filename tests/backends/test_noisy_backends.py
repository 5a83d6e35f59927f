"""Noise on every backend that claims it: the same channels after the same gates, and twice of it is found out."""

from __future__ import annotations

import random
from contextlib import closing

import pytest
from sampled_programs import gate, if_else, measure, run

from pytest_qbench import Backend, Instruction, Program, UnavailableError, UnsupportedError
from pytest_qbench.backends.registry import installed_backends, load_backend
from pytest_qbench.circuits.noise import KINDS, NoiseModel, with_noise
from pytest_qbench.verify.goodness import check_counts
from pytest_qbench.verify.noisy import noisy_distribution

BACKENDS = {
    "native": {},
    "aer": {},
    "aer-statevector": {"method": "statevector"},
    "aer-density_matrix": {"method": "density_matrix"},
    "cirq": {},
    "cirq-statevector": {"method": "statevector"},
    "cirq-density_matrix": {"method": "density_matrix"},
    "default.mixed": {},
    "stim": {},
}
SHOTS = 4000


def opened(label: str) -> Backend:
    name = label.partition("-")[0]
    target = {"default.mixed": "pytest_qbench.backends.pennylane:DefaultMixedBackend"} | dict(installed_backends())
    kind = load_backend(name, target[name])
    try:
        return kind({key: option.default for key, option in kind.options.items()} | BACKENDS[label], 1)
    except (UnavailableError, ImportError) as error:
        pytest.skip(str(error))


def circuit(names: list[str], seed: int) -> Program:
    """Gates of ``names`` on four qubits, measured in another order. Not in every one does all noise show."""
    rng = random.Random(seed)
    sizes = {"cx": 2, "swap": 2, "cz": 2, "iswap": 2, "ccx": 3, "cp": 2, "crx": 2}
    params = {"cp": 1, "crx": 1, "u": 3}
    items = [gate("h", qubit) for qubit in (0, 3)]
    for _ in range(8):
        name = rng.choice(names)
        values = [rng.uniform(-3, 3) for _ in range(params.get(name, 0))]
        items.append(gate(name, *rng.sample(range(4), sizes.get(name, 1)), params=values))
    return Program(4, 4, (*items, *(measure(i, 3 - i) for i in range(4))))


CLIFFORD = ["id", "h", "s", "sx", "y", "cx", "swap", "cz", "iswap"]
ANY = [*CLIFFORD, "t", "u", "ccx", "cp", "crx"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", BACKENDS)
def test_counts_follow_the_density_matrix_and_twice_the_noise_is_found(label: str, kind: str) -> None:
    if label == "stim" and kind == "amplitude_damping":
        pytest.skip("no noise of Pauli gates")
    shots = 200 if label == "cirq-statevector" else SHOTS  # each is a trajectory of milliseconds
    with closing(opened(label)) as backend:
        names, seeds = (CLIFFORD, (3, 15)) if label == "stim" else (ANY, (8, 16))
        for seed, strength in zip(seeds, (0.05, 0.2), strict=True):
            program = circuit(names, seed)
            once, twice = (with_noise(program, NoiseModel(kind, value)) for value in (strength, 2 * strength))
            expected = noisy_distribution(once)
            precision = backend.describe().precision
            check = check_counts(run(backend, once, shots), expected, shots, precision=precision)
            assert check.passed, check.message
            assert (
                shots < SHOTS
                or not check_counts(run(backend, twice, shots), expected, shots, precision=precision).passed
            )


@pytest.mark.parametrize("label", [label for label in BACKENDS if label not in ("stim", "default.mixed", "cirq")])
@pytest.mark.parametrize("kind", KINDS)
def test_dynamic_circuits(label: str, kind: str) -> None:
    """Noise inside blocks where they are taken, and readout errors that conditions read."""
    items = (
        *(gate("h", 0), measure(0, 0), gate("ry", 1, params=[1.0])),
        if_else((0,), {1}, [gate("x", 1), gate("cx", 1, 2)], [gate("h", 2)]),
        *(gate("reset", 0), gate("x", 0), measure(0, 1), measure(1, 2), measure(2, 3)),
    )
    program = with_noise(Program(3, 4, items), NoiseModel(kind, 0.2))
    with closing(opened(label)) as backend:
        shots = 200 if label.startswith("cirq") else SHOTS  # one by one
        counts = run(backend, program, shots)
        check = check_counts(counts, noisy_distribution(program), shots, precision=backend.describe().precision)
        assert check.passed, check.message


READOUT = Instruction("readout_error", (), (0.1, 0.3), (0,))
IN_BLOCK = if_else((0,), {1}, [gate("depolarizing", 1, params=[0.5])])


@pytest.mark.parametrize(
    ("label", "items", "message"),
    [
        ("stim", (gate("amplitude_damping", 0, params=[0.1]), measure(0, 0)), "noise 'amplitude_damping'"),
        ("stim", (measure(0, 0), READOUT), "more likely for one value"),
        ("stim", (gate("h", 0), measure(0, 0), IN_BLOCK), "depolarizing under a condition"),
        ("default.mixed", (gate("h", 0), measure(0, 0), IN_BLOCK), "noise inside a conditional block"),
        ("default.mixed", (measure(0, 0), READOUT, gate("x", 0)), "a measurement that something follows"),
        ("default.mixed", (*(item for i in range(12) for item in (gate("h", 0), measure(0, 0))),), "at most 10"),
        ("aer", (measure(0, 0), READOUT, measure(0, 1)), "different readout errors"),
        ("cirq", (READOUT, measure(0, 0)), "does not follow the measurement"),
    ],
)
def test_what_is_not_there_is_named(label: str, items: tuple[Instruction, ...], message: str) -> None:
    with closing(opened(label)) as backend, pytest.raises(UnsupportedError, match=message):
        run(backend, Program(2, 2, items))


@pytest.mark.parametrize("name", ["qsim", "qulacs", "ddsim", "default.qubit", "lightning.qubit"])
def test_others_do_not_claim_it(name: str) -> None:
    kind = load_backend(name, installed_backends()[name])
    try:
        backend = kind({key: option.default for key, option in kind.options.items()}, 1)
    except UnavailableError as error:
        pytest.skip(error.reason)
    with closing(backend), pytest.raises(UnsupportedError, match=r"noise \(depolarizing\)"):
        run(backend, Program(1, 1, (gate("depolarizing", 0, params=[0.1]), measure(0, 0))))
