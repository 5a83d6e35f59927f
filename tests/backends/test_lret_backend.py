"""The adapter of LRET: its protocol with a stand-in for the executable, and its physics with a build, where one is."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sampled_programs import ASYMMETRIC, GAPS, TELEPORTED, assert_exact, gate, gate_in_context, measure, run

from pytest_qbench import Instruction, Program, UnavailableError, UnsupportedError
from pytest_qbench.backends import lret, lret_circuits
from pytest_qbench.backends.lret import LretBackend
from pytest_qbench.backends.registry import load_backend
from pytest_qbench.circuits.gates import GATES, gate_matrix
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.measure.messages import Abort, AbortKind, MeasureRequest, Unavailable, WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor

STAND_IN = Path(__file__).with_name("stand_in_quantum_sim.py")
TARGET = "pytest_qbench.backends.lret:LretBackend"
BUILDS = {
    "lret-phase7": (lret.LretPhase7Backend, "LRET_PHASE7"),
    "lret-cirq-scalability": (lret.LretCirqScalabilityBackend, "LRET_CIRQ_SCALABILITY"),
    "lret-pennylane": (lret.LretPennylaneBackend, "LRET_PENNYLANE"),
}
VARIABLES = ("LRET_EXECUTABLE", *(variable for _, variable in BUILDS.values()))
BELL = Program(3, 2, (gate("h", 1), gate("cx", 1, 2), measure(1, 0), measure(2, 1)))


def options(executable: Path | str | None, **others: Any) -> dict[str, Any]:
    defaults = {key: option.default for key, option in LretBackend.options.items()}
    return defaults | {"executable": None if executable is None else str(executable)} | others


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return path


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An executable that stands in for quantum_sim."""
    monkeypatch.setenv("STAND_IN_FOLDER", str(tmp_path))
    return script(tmp_path / "quantum_sim", f'exec "{sys.executable}" "{STAND_IN}" "$@"')


@pytest.fixture
def adapter(stand_in: Path) -> Iterator[LretBackend]:
    with closing(LretBackend(options(stand_in), 3)) as made:
        yield made


def failing(tmp_path: Path, command: str) -> LretBackend:
    """An adapter whose executable knows its version, and does ``command`` (with $1 to $4) for a circuit."""
    text = f'if [ "$1" = --version ]; then echo v1.2; else {command}; fi'
    return LretBackend(options(script(tmp_path / "quantum_sim", text)), 1)


# The protocol


def test_what_the_executable_is_given(adapter: LretBackend, tmp_path: Path) -> None:
    assert run(adapter, ASYMMETRIC, shots=20) == {"010": 20}
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen == {
        "input": {
            "circuit": {
                "num_qubits": 3,
                "operations": [{"name": "X", "wires": [0], "params": []}],
                "observables": [],
            },
            "config": {"shots": 20, "epsilon": 1e-4, "initial_rank": 1, "num_threads": 3},
        },
        "threads": "3",
    }


def test_bits_are_where_they_belong(adapter: LretBackend) -> None:
    assert run(adapter, GAPS).keys() == {"01000", "11010"}
    counts = run(adapter, BELL, shots=1000)
    assert counts.keys() == {"00", "11"}
    assert sum(counts.values()) == 1000
    assert run(adapter, Program(1, 2, (gate("x", 0),))) == {"00": 100}


def test_a_matrix_on_two_qubits(adapter: LretBackend) -> None:
    """X on the second qubit where the first is 1; X on both; then the matrix again, with no effect."""
    controlled = Instruction("unitary", (2, 0), matrix=gate_matrix(gate("cx", 0, 1)))
    items = (gate("x", 2), controlled, gate("x", 1), *(measure(i, i) for i in range(3)))
    assert run(adapter, Program(3, 3, items)) == {"111": 100}


def test_every_gate_lowers_to_what_lret_has(adapter: LretBackend) -> None:
    for name in GATES:
        lowered = lower(gate_in_context(name), adapter.capabilities())
        assert all(item.name in (*lret_circuits.GATE_NAMES, "unitary", "measure") for item in lowered.instructions), (
            name
        )


@pytest.mark.parametrize(
    ("channel", "n_qubits"), [("depolarizing", 1), ("depolarizing", 2), ("amplitude_damping", 1), ("phase_damping", 1)]
)
def test_kraus_operators_keep_the_trace(adapter: LretBackend, channel: str, n_qubits: int) -> None:
    item = Instruction(channel, tuple(range(n_qubits)), (0.3,))
    (operation,) = json.loads(adapter.prepare(Program(2, 0, (item,))).circuit)["operations"]
    assert (operation["name"], operation["wires"]) == ("KRAUS", list(reversed(range(n_qubits))))
    size = 1 << n_qubits
    total = [[0j] * size for _ in range(size)]
    for operator in operation["kraus_operators"]:
        matrix = [
            [complex(*entry) for entry in zip(*rows, strict=True)] for rows in zip(*operator.values(), strict=True)
        ]
        for i in range(size):
            for j in range(size):
                total[i][j] += sum(row[i].conjugate() * row[j] for row in matrix)
    for i in range(size):
        assert total[i] == pytest.approx([float(i == j) for j in range(size)])


def test_readout_errors_are_applied_to_the_samples(adapter: LretBackend) -> None:
    misread = Instruction("readout_error", (), (0.0, 0.25), (0,))
    program = Program(1, 1, (gate("x", 0), measure(0, 0), misread))
    counts = run(adapter, program, shots=10_000)
    assert counts["0"] == pytest.approx(2500, abs=220)  # five standard deviations
    assert counts == run(adapter, program, shots=10_000)
    assert counts != run(adapter, program, shots=10_000, seed=2)


def test_what_it_can_not_do(adapter: LretBackend) -> None:
    with pytest.raises(UnsupportedError, match="dynamic"):
        run(adapter, TELEPORTED)
    late = (measure(0, 0), Instruction("amplitude_damping", (0,), (0.5,)))
    with pytest.raises(UnsupportedError, match="after the measurement"):
        run(adapter, Program(1, 1, late))
    big = Instruction("unitary", (0, 1, 2), matrix=gate_matrix(gate("ccx", 0, 1, 2)))
    with pytest.raises(UnsupportedError, match="unitary"):
        run(adapter, Program(3, 3, (big,)))


def test_describes_itself(adapter: LretBackend, stand_in: Path) -> None:
    said = adapter.describe()
    assert said.version == said.versions["quantum_sim"] == "9.8.7"
    assert said.versions["executable"] == str(stand_in)
    assert len(said.versions["sha256"]) == 16
    assert (said.precision, said.method, said.threads) == ("double", "low-rank, epsilon 0.0001", 3)


def test_nothing_is_left_behind(stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with closing(LretBackend(options(stand_in), 1)) as adapter:
        run(adapter, BELL)
        assert any((tmp_path / "tmp").iterdir())
    assert not any((tmp_path / "tmp").iterdir())


# What goes wrong


def test_a_gate_that_a_build_does_not_know(adapter: LretBackend) -> None:
    with pytest.raises(RuntimeError, match="exited with status 1: JSON mode failed: Unsupported gate: 'RX'"):
        run(adapter, Program(1, 0, (gate("rx", 0, params=[0.1]),)))


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("exit 3", "quantum_sim exited with status 3$"),
        ("echo no license >&2; exit 4", "exited with status 4: no license"),
        ("kill -SEGV $$", "was killed by signal 11"),
        ('echo nonsense >"$4"', "output of quantum_sim can't be read"),
        ("""echo '{"status": "success"}' >"$4" """, "can't be read: KeyError"),
        ("""echo '{"status": "success", "samples": ["x"]}' >"$4" """, "can't be read: ValueError"),
        ("""echo '{"status": "error", "samples": null}' >"$4" """, "ended with status 'error'"),
    ],
)
def test_a_run_that_fails(tmp_path: Path, command: str, reason: str) -> None:
    with closing(failing(tmp_path, command)) as adapter, pytest.raises(RuntimeError, match=reason):
        run(adapter, BELL)


def test_a_run_without_output(tmp_path: Path) -> None:
    with closing(failing(tmp_path, "true")) as adapter, pytest.raises(RuntimeError, match="wrote no output"):
        run(adapter, BELL)


@pytest.mark.parametrize(
    ("command", "kind", "reason"),
    [
        ("sleep 60", AbortKind.TIMEOUT, "took more than 0.5 s"),
        ("echo 'JSON mode failed: std::bad_alloc' >&2; exit 1", AbortKind.MEMORY, "bad_alloc"),
        ("""echo '{"status": "success", "samples": [0]}' >"$4" """, AbortKind.PROTOCOL, "shots"),
    ],
    ids=["hangs", "memory", "too few samples"],
)
def test_what_becomes_of_it_in_a_worker(tmp_path: Path, command: str, kind: AbortKind, reason: str) -> None:
    text = f'if [ "$1" = --version ]; then echo v1.2; else {command}; fi'
    spec = WorkerSpec(TARGET, options(script(tmp_path / "quantum_sim", text)))
    with Supervisor(spec) as supervisor:
        outcome = supervisor.measure(MeasureRequest(BELL, 10, 1, timeout=0.5))
    assert isinstance(outcome, Abort)
    assert (outcome.kind, reason in outcome.reason) == (kind, True), outcome.reason


# Which executable


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable is set, and the PATH has nothing of interest."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("value", [None, ""])
def test_no_executable(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is not None:
        monkeypatch.setenv("LRET_EXECUTABLE", value)
    with pytest.raises(UnavailableError, match=r"\$LRET_EXECUTABLE is not set, and no quantum_sim is on the PATH"):
        LretBackend(options(None), 1)
    with Supervisor(WorkerSpec(TARGET, options(None))) as supervisor:
        assert isinstance(supervisor.describe(), Unavailable)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", BUILDS)
def test_the_three_builds(name: str, stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own variable, and none takes what another, or the PATH, has."""
    adapter, variable = BUILDS[name]
    assert (adapter.name, adapter.variable) == (name, variable)
    (tmp_path / "bin" / "quantum_sim").symlink_to(stand_in)
    monkeypatch.setenv("LRET_EXECUTABLE", str(stand_in))
    with pytest.raises(UnavailableError, match=rf"\${variable} is not set; .*{name}\[executable=PATH\]"):
        adapter(options(None), 1)
    monkeypatch.setenv(variable, str(stand_in))
    with closing(adapter(options(None), 1)) as made:
        assert made.describe().version == "9.8.7"
    assert load_backend(name, f"{adapter.__module__}:{adapter.__qualname__}") is adapter


@pytest.mark.usefixtures("nowhere")
def test_the_option_comes_before_the_variable_and_that_before_the_path(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin" / "quantum_sim", "echo 1.0")
    with closing(LretBackend(options(None), 1)) as made:
        assert made.describe().version == "1.0"
    monkeypatch.setenv("LRET_EXECUTABLE", str(script(tmp_path / "other", "echo 2.0")))
    with closing(LretBackend(options(None), 1)) as made:
        assert made.describe().version == "2.0"
    with closing(LretBackend(options(stand_in), 1)) as made:
        assert made.describe().version == "9.8.7"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path, "executable=.*: there is no such file"),
        (lambda path: script(path, "echo 1.0", mode=0o644), "it is not executable"),
        (lambda path: script(path, "echo broken; exit 2"), "--version exited with status 2: broken"),
    ],
    ids=["missing", "not executable", "broken"],
)
def test_what_is_no_executable(tmp_path: Path, make: Any, reason: str) -> None:
    with pytest.raises(UnavailableError, match=reason):
        LretBackend(options(make(tmp_path / "quantum_sim")), 1)


def test_an_executable_of_another_machine(tmp_path: Path) -> None:
    path = tmp_path / "quantum_sim"
    path.write_bytes(b"\x7fELF\x00\x00")
    path.chmod(0o755)
    with pytest.raises(UnavailableError, match="can't be run: Exec format error"):
        LretBackend(options(path), 1)


def test_a_build_that_does_not_say_its_version(tmp_path: Path) -> None:
    with closing(LretBackend(options(script(tmp_path / "quantum_sim", "echo LRET")), 1)) as adapter:
        assert adapter.describe().version == "unknown"


@pytest.mark.parametrize(("text", "fits"), [("1e-6", True), ("0", True), ("1", False), ("-1", False), ("x", False)])
def test_epsilon(text: str, fits: bool) -> None:
    parse = LretBackend.options["epsilon"].parse
    if fits:
        assert parse(text) == float(text)
    else:
        with pytest.raises(ValueError, match=r"must be|could not convert"):
            parse(text)


# A real build

REAL = [os.environ[variable] for variable in VARIABLES if variable in os.environ]


@pytest.fixture(params=REAL or [None], ids=lambda path: Path(path).name if path else "none")
def real(request: pytest.FixtureRequest) -> Iterator[LretBackend]:
    if request.param is None:
        pytest.skip(f"no build of LRET: none of {', '.join(VARIABLES)} is set")
    with closing(LretBackend(options(request.param), 1)) as made:
        yield made


def test_every_gate_of_a_build(real: LretBackend) -> None:
    for name in sorted(GATES):
        assert_exact(real, gate_in_context(name))


def test_noise_of_a_build(real: LretBackend) -> None:
    def ones(*items: Instruction, n_qubits: int = 1) -> float:
        program = Program(n_qubits, n_qubits, (*items, *(measure(i, i) for i in range(n_qubits))))
        return run(real, program, 10_000).get("1" * n_qubits, 0) / 10_000

    def channel(name: str, *qubits: int, strength: float) -> Instruction:
        return Instruction(name, qubits, (strength,))

    x, h = gate("x", 0), gate("h", 0)
    assert ones(x, channel("depolarizing", 0, strength=0.4)) == pytest.approx(0.8, abs=0.025)
    pair = (x, gate("x", 1), channel("depolarizing", 0, 1, strength=0.4))
    assert ones(*pair, n_qubits=2) == pytest.approx(0.7, abs=0.025)
    assert ones(x, channel("amplitude_damping", 0, strength=0.3)) == pytest.approx(0.7, abs=0.025)
    dephased = (1 - math.sqrt(0.36)) / 2
    assert ones(h, channel("phase_damping", 0, strength=0.64), h) == pytest.approx(dephased, abs=0.025)
