"""The adapter of QuEST, in an environment of its own that ``python -m pytest_qbench env quest`` makes."""

from __future__ import annotations

import fcntl
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sampled_programs import (
    ASYMMETRIC,
    GAPS,
    OVERWRITTEN,
    REPEATED,
    RESETS,
    TELEPORTED,
    any_gate,
    gate,
    gate_in_context,
    measure,
    random_program,
)

from pytest_qbench import Description, Instruction, Program, UnavailableError
from pytest_qbench.backends.quest import QuestBackend
from pytest_qbench.circuits.gates import gate_matrix
from pytest_qbench.conformance import BackendConformance
from pytest_qbench.measure.messages import Abort, Measurement, MeasureRequest, RoundPolicy, Unsupported, WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor
from pytest_qbench.specs import BackendSpec
from pytest_qbench.verify.exact import exact_distribution
from pytest_qbench.verify.goodness import check_counts

TARGET = "pytest_qbench.backends.quest:QuestBackend"
ONCE = RoundPolicy(min_rounds=1, max_rounds=1)
METHODS = ["statevector", "density_matrix"]


@pytest.fixture(scope="module")
def python(pytestconfig: pytest.Config) -> str:
    """The interpreter of the environment, which is kept in pytest's cache."""
    if getattr(pytestconfig, "cache", None) is None:
        pytest.skip("the environment for QuEST is kept in pytest's cache, which is switched off")
    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir("environments")) / "quest"
    command = [sys.executable, "-m", "pytest_qbench", "env", "quest", "--path", str(folder)]
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of pytest-xdist may be making it
        done = subprocess.run(command, capture_output=True, text=True)
    if "installing failed" in done.stderr or "there is none on the PATH" in done.stderr:
        pytest.skip(f"no environment for QuEST: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert f"quest[python={folder}/bin/python]" in done.stdout
    return f"{folder}/bin/python"


class Quest:
    """A worker with QuEST."""

    def __init__(self, python: str, method: str, threads: int = 1) -> None:
        self.supervisor = Supervisor(WorkerSpec(TARGET, {"method": method}, threads, python))

    def measure(self, program: Program, shots: int = 100, seed: int = 1) -> Measurement | Abort | Unsupported:
        outcome = self.supervisor.measure(MeasureRequest(program, shots, seed, 30.0, ONCE))
        assert isinstance(outcome, Measurement | Abort | Unsupported), outcome
        return outcome

    def counts(self, program: Program, shots: int = 100, seed: int = 1) -> dict[str, int]:
        outcome = self.measure(program, shots, seed)
        assert isinstance(outcome, Measurement), outcome
        return dict(outcome.counts)

    def assert_exact(self, program: Program, shots: int = 2000) -> None:
        check = check_counts(self.counts(program, shots), exact_distribution(program), shots)
        assert check.passed, check.message


@pytest.fixture(scope="module")
def workers(python: str) -> Iterator[dict[str, Quest]]:
    both = {method: Quest(python, method) for method in METHODS}
    yield both
    for quest in both.values():
        quest.supervisor.close()


@pytest.fixture(params=METHODS)
def quest(request: pytest.FixtureRequest, workers: dict[str, Quest]) -> Quest:
    return workers[request.param]


@pytest.fixture
def density(workers: dict[str, Quest]) -> Quest:
    return workers["density_matrix"]


class TestConformance(BackendConformance):
    """Every gate, bit order, dynamic circuits, seeds and threads, in the environment."""

    spec = "quest"

    @pytest.fixture
    def parsed(self, request: pytest.FixtureRequest, python: str) -> BackendSpec:
        return self.parse(request, f"quest[python={python}]")


@pytest.mark.parametrize("name", ["u", "iswap", "cu", "cswap", "rccx", "mcx", "mcphase"])
def test_gates_on_a_density_matrix(name: str, density: Quest) -> None:
    density.assert_exact(gate_in_context(name))


def test_a_matrix_on_three_qubits(quest: Quest) -> None:
    program = gate_in_context("rccx", seed=3)
    as_matrix = [
        Instruction("unitary", item.qubits, matrix=gate_matrix(item)) if item.name == "rccx" else item
        for item in program.instructions
    ]
    quest.assert_exact(Program(program.n_qubits, program.n_clbits, tuple(as_matrix)))


def test_bits_are_where_they_belong(quest: Quest) -> None:
    assert quest.counts(ASYMMETRIC) == {"010": 100}
    for program, outcomes in ((GAPS, {"01000", "11010"}), (REPEATED, {"1000", "0111"}), (OVERWRITTEN, {"10", "11"})):
        counts = quest.counts(program)
        assert counts.keys() == outcomes
        assert sum(counts.values()) == 100


def test_nothing_is_measured(quest: Quest) -> None:
    assert quest.counts(Program(1, 2, (gate("x", 0),))) == {"00": 100}


@pytest.mark.parametrize("program", [RESETS, TELEPORTED], ids=["resets", "teleported"])
def test_dynamic_programs(program: Program, quest: Quest) -> None:
    quest.assert_exact(program, shots=400)


@pytest.mark.parametrize("seed", range(8))
def test_random_dynamic_programs(seed: int, quest: Quest) -> None:
    quest.assert_exact(random_program(seed, any_gate, conditions=True), shots=1000)


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_the_seed_decides(kind: str, quest: Quest) -> None:
    items = (*(gate("h", i) for i in range(5)), *(measure(i, i) for i in range(5)))
    uniform = Program(5, 5, items if kind == "static" else (*items, gate("h", 0), measure(0, 0)))
    one, again, other = (quest.counts(uniform, seed=seed) for seed in (1, 1, 2))
    assert one == again != other


def one_share(quest: Quest, *items: Instruction, n_qubits: int = 1, seed: int = 1) -> float:
    """How often all ``n_qubits`` are 1 after ``items``, with a standard deviation of at most 0.005."""
    measures = [item for item in items if item.name == "measure"]
    ends = () if measures else tuple(measure(i, i) for i in range(n_qubits))
    counts = quest.counts(Program(n_qubits, n_qubits, (*items, *ends)), shots=10_000, seed=seed)
    return counts.get("1" * n_qubits, 0) / 10_000


def channel(name: str, *qubits: int, strength: float) -> Instruction:
    return Instruction(name, qubits, (strength,))


def test_noise(density: Quest) -> None:
    x, h = gate("x", 0), gate("h", 0)
    assert one_share(density, x, channel("depolarizing", 0, strength=0.4)) == pytest.approx(0.8, abs=0.025)
    assert one_share(density, x, channel("depolarizing", 0, strength=1.0)) == pytest.approx(0.5, abs=0.025)
    pair = (x, gate("x", 1), channel("depolarizing", 0, 1, strength=0.4))
    assert one_share(density, *pair, n_qubits=2) == pytest.approx(0.7, abs=0.025)
    assert one_share(density, x, channel("amplitude_damping", 0, strength=0.3)) == pytest.approx(0.7, abs=0.025)
    dephased = (1 - math.sqrt(0.36)) / 2
    assert one_share(density, h, channel("phase_damping", 0, strength=0.64), h) == pytest.approx(dephased, abs=0.025)


def test_readout_errors_in_static_and_dynamic_programs(density: Quest) -> None:
    misread = Instruction("readout_error", (), (0.0, 0.25), (0,))
    assert one_share(density, gate("x", 0), measure(0, 0), misread) == pytest.approx(0.75, abs=0.025)
    dynamic = (gate("x", 0), measure(0, 0), gate("id", 0), misread)
    assert one_share(density, *dynamic) == pytest.approx(0.75, abs=0.025)


def test_noise_after_a_measurement_comes_too_late(density: Quest) -> None:
    items = (gate("x", 0), measure(0, 0), channel("amplitude_damping", 0, strength=1.0))
    assert density.counts(Program(1, 1, items)) == {"1": 100}


def test_a_state_vector_has_no_noise(workers: dict[str, Quest]) -> None:
    program = Program(1, 1, (channel("depolarizing", 0, strength=0.1), measure(0, 0)))
    outcome = workers["statevector"].measure(program)
    assert isinstance(outcome, Unsupported)
    assert "noise" in outcome.reason


def test_a_state_that_does_not_fit(python: str) -> None:
    quest = Quest(python, "statevector")
    outcome = quest.measure(Program(45, 1, (gate("h", 0), measure(0, 0))))
    quest.supervisor.close()
    assert isinstance(outcome, Abort), outcome


def test_describes_itself(python: str) -> None:
    quest = Quest(python, "density_matrix", threads=2)
    said = quest.supervisor.describe()
    quest.supervisor.close()
    assert isinstance(said, Description)
    assert said.version == said.versions["pyquest"]
    assert said.versions["numpy"].startswith("1.")
    assert (said.device, said.precision, said.method, said.threads) == ("CPU", "double", "density_matrix", 2)


def test_without_pyquest_it_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyquest", None)  # makes the import fail
    with pytest.raises(UnavailableError, match="pyquest") as caught:
        QuestBackend({"method": "statevector"}, 1)
    assert caught.value.install == "python -m pytest_qbench env quest"
