"""The fixtures for hand-written tests: ``qbench`` and the device fixtures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench import markers
from pytest_qbench.backends.base import UnavailableError
from pytest_qbench.backends.registry import load_backend
from pytest_qbench.cases import CaseError, CircuitCase
from pytest_qbench.collection import CLOCK
from pytest_qbench.outcome import conclude
from pytest_qbench.results import PointResult, Status
from pytest_qbench.session import RESULT, SESSION, QbenchSession
from pytest_qbench.values import usable_cpus

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from pytest_qbench.backends.base import Backend
    from pytest_qbench.cases import Expected
    from pytest_qbench.circuits.program import Program
    from pytest_qbench.specs import BackendSpec

DEFAULT_SHOTS = 1000


def parametrize_backends(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for a backend one item per chosen backend: ``test_x[aer]``."""
    for mark in getattr(metafunc.function, "pytestmark", ()):
        if mark.name == markers.NAME and (mark.args or mark.kwargs):
            pytest.fail(
                "pytest.mark.qbench with values is for cases; in a test, pytest.mark.parametrize sweeps", pytrace=False
            )
    specs = metafunc.config.stash[SESSION].settings.backends
    metafunc.parametrize("_qbench_spec", specs, ids=[spec.label for spec in specs], indirect=True)


@dataclass(frozen=True, slots=True)
class Measured:
    """What ``qbench(circuit)`` returns: the counts of the last round, and times in seconds."""

    counts: Mapping[str, int]
    rounds_s: tuple[float, ...]
    median_s: float
    result: PointResult


@dataclass(frozen=True, slots=True)
class Qbench:
    """Measures one circuit in an ordinary test, as ``benchmark`` measures a function."""

    session: QbenchSession
    spec: BackendSpec
    item: pytest.Item

    def __call__(
        self,
        circuit: QuantumCircuit | Program,
        *,
        expected: Expected | None = None,
        shots: int = DEFAULT_SHOTS,
        mirror: bool = False,
    ) -> Measured:
        """Measure ``circuit`` on the test's backend and verify its counts. Once per test.

        Args:
            circuit: a circuit with its measurements.
            expected: bit string -> probability, or an array of all probabilities; computed by an exact simulator
                unless given.
            shots: how many shots a round takes.
            mirror: the circuit undoes itself, so that every shot must give all zeros.

        Returns:
            its counts and times. A wrong distribution fails the test; an ABORT and the like
            ends it with that verdict.
        """
        from pytest_qbench.runner import to_program
        from pytest_qbench.verify.distribution import Distribution

        if RESULT in self.item.stash:
            pytest.fail("the qbench fixture can be used once in a test", pytrace=False)
        if shots < 1:
            pytest.fail(f"qbench(shots={shots}): at least 1", pytrace=False)
        path, line, _ = self.item.location
        name = getattr(self.item, "originalname", self.item.name)
        wrong = ""
        try:
            program = to_program(circuit, name, f"{path}:{(line or 0) + 1}: the circuit given to qbench()")
            if expected is not None:
                Distribution.from_expected(expected, program.n_clbits)
        except CaseError as error:
            wrong = str(error)
        except ValueError as error:
            wrong = f"qbench(expected=...): {error}"
        if wrong:  # raised here, it has no context that pytest would print too
            pytest.fail(wrong, pytrace=False)
        case = CircuitCase(
            name=name,
            builder=lambda: circuit,
            n_qubits=(program.n_qubits,),
            valid=(program.n_qubits,),
            sweeps={},
            tags=frozenset(),
            mirror=mirror,
            path=str(path),
            line=line or 0,
            expectation=None if expected is None else lambda: expected,
        )
        result, counts = self.session.runner.measure(program, case, {}, self._blank(name, program, shots), self.spec)
        self.item.stash[RESULT] = result
        feed_benchmark(self.item, result)
        conclude(result, self.session.settings.strict)
        return Measured(counts, result.rounds_s, statistics.median(result.rounds_s), result)

    def _blank(self, name: str, program: Program, shots: int) -> PointResult:
        settings = self.session.settings
        return PointResult(
            nodeid=self.item.nodeid,
            instance=self.item.name,
            backend=self.spec.label,
            spec=self.spec.text,
            case=name,
            n_qubits=program.n_qubits,
            params=_own_params(self.item),
            shots=shots,
            ladder=(shots,),
            status=Status.ABORT,
            threads=self.spec.threads or settings.threads or None,
            seed=settings.seed,
            timeout_s=self.session.deadline(self.item),
        )


def _own_params(item: pytest.Item) -> Mapping[str, Any]:
    """The parameters of a parametrized test that JSON can hold."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    return {key: value for key, value in params.items() if isinstance(value, (str, int, float, bool))}


def feed_benchmark(item: pytest.Item, result: PointResult) -> None:
    """Show the rounds of a point to pytest-benchmark, unless it is wrong or did not run: that is not to be compared
    with."""
    clock = item.stash.get(CLOCK, None)
    if clock is None or result.status not in (Status.PASS, Status.UNVERIFIED):
        return
    benchmark = item.funcargs["benchmark"]  # type: ignore[attr-defined]
    benchmark.extra_info.update(
        backend=result.spec,
        program_hash=result.program_hash,
        prepare_s=result.prepare_s,
        first_call_s=result.first_call_s,
        first_call_shots=result.first_call_shots,
        rss_peak=result.memory.get("rss_peak"),
        **{key: result.description.get(key) for key in ("version", "device", "precision", "method")},
    )
    clock.replay(benchmark, result.rounds_s)


def silence_benchmark(item: pytest.Item) -> None:
    """Keep pytest-benchmark from warning that a point which did not pass left its fixture unused."""
    benchmark = getattr(item, "funcargs", {}).get("benchmark")
    if benchmark is not None:
        benchmark.skipped = True


def make_qbench(request: pytest.FixtureRequest, spec: BackendSpec) -> Qbench:
    """What the ``qbench`` fixture gives."""
    item: pytest.Item = request.node
    if RESULT in item.stash:  # of an earlier attempt: a plugin runs the test again
        del item.stash[RESULT]
    if CLOCK in item.stash:
        # Now, and not when pytest comes to it: another fixture may measure before.
        item.funcargs["benchmark"] = request.getfixturevalue("benchmark")  # type: ignore[attr-defined]
    return Qbench(request.config.stash[SESSION], spec, item)


def open_backend(config: pytest.Config, spec: BackendSpec) -> Iterator[Backend]:
    """What the ``qbench_backend`` fixture gives, and its end."""
    threads = spec.threads or config.stash[SESSION].settings.threads or usable_cpus()
    adapter = load_backend(spec.name, spec.target)
    try:
        backend = adapter(dict(spec.options), threads)
    except (UnavailableError, ImportError) as error:
        pytest.skip(f"{spec.label}: {error}; {adapter.install}")
    yield backend
    backend.close()


def make_aer(config: pytest.Config) -> Any:
    """What the ``qbench_aer`` fixture gives."""
    aer = pytest.importorskip("qiskit_aer", reason="qiskit-aer is not installed: pip install qiskit-aer")
    from pytest_qbench.plugin import activate

    return aer.AerSimulator(seed_simulator=activate(config).session.settings.seed)


def find_gpu() -> Any:
    """What the ``qbench_gpu`` fixture gives."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'pytest-qbench[native]'")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device (torch.cuda.is_available() is false)")
    return torch.device("cuda:0")


def best_pennylane_device() -> Callable[..., Any]:
    """What the ``qbench_device`` fixture gives."""
    pennylane = pytest.importorskip("pennylane", reason="PennyLane is not installed: pip install pennylane")

    def make(wires: Any = None, **options: Any) -> Any:
        for name in ("lightning.gpu", "lightning.qubit"):
            try:
                return pennylane.device(name, wires=wires, **options)
            # A device that is not installed, or has no driver, raises DeviceError, ImportError or RuntimeError.
            except Exception:
                continue
        return pennylane.device("default.qubit", wires=wires, **options)

    return make
