"""The tests that every adapter must pass."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import ClassVar

import pytest

from pytest_qbench.backends.base import Backend, UnavailableError, UnsupportedError
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.noise import KINDS, NoiseModel, with_noise
from pytest_qbench.circuits.program import Instruction
from pytest_qbench.conformance import catalogue, programs
from pytest_qbench.conformance.harness import Harness, why
from pytest_qbench.conformance.subject import InProcess, InWorker, Subject, open_subject
from pytest_qbench.measure.messages import RoundPolicy
from pytest_qbench.specs import BackendSpec, SpecError, parse_spec
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.noisy import noisy_distribution

_SEEDS = (1, 2**31 - 1)
"""The lowest and the highest seed that a session gives."""
_MAPPED = "classical bits go where the measurements say"


class BackendConformance(Harness):
    """What a session relies on, tried on one backend.

    Subclass it in a test module as ``class TestMine(BackendConformance): spec = "mine"``. The adapter runs in the test
    process, or in a worker where the spec has ``python=``. Where the simulator is unavailable, and for gates and
    channels that it does not claim, tests are skipped with the reason.
    """

    unseeded: ClassVar[tuple[str, ...]] = ()
    """The kinds of circuits (``static``, ``dynamic``, ``noisy``) whose outcomes are drawn without the seed."""
    random_qubits: ClassVar[int] = 12
    """The size of the random circuit; a simulator that needs very long for it may take less."""
    busy_qubits: ClassVar[int] = 16
    """The size of the circuit at which CPU use is measured: one that makes a simulator use all threads it may."""

    # Registration and options

    def test_is_registered_under_its_own_name(self, parsed: BackendSpec, adapter: type[Backend]) -> None:
        if adapter.name != parsed.name:
            self.fail(f"it is registered as {parsed.name!r}, but {adapter.__qualname__}.name is {adapter.name!r}")

    def test_its_module_imports_no_simulator(self, parsed: BackendSpec) -> None:
        """A session imports the adapter to read its options; the simulator is for the worker alone."""
        module = parsed.target.partition(":")[0]
        own = {module.partition(".")[0], "pytest_qbench"}
        code = (
            "import importlib, sys\n"
            f"sys.path[:] = {sys.path!r}\n"
            "before = set(sys.modules)\n"
            f"importlib.import_module({module!r})\n"
            "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
            f"print(*sorted(new - {own!r} - sys.stdlib_module_names))\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode or done.stdout.strip():
            said = done.stdout.strip() or done.stderr.strip()
            self.fail(f"importing {module} may take the standard library and pytest_qbench only, not: {said}")

    def test_options(self, request: pytest.FixtureRequest, parsed: BackendSpec, adapter: type[Backend]) -> None:
        """Every option parses what it offers, refuses other things, and travels to a worker as JSON."""
        json.dumps(dict(parsed.options))
        known = self.known(request)
        for key, option in adapter.options.items():
            if not option.help:
                self.fail(f"the option {key} has no help")
            if not option.choices:
                continue
            if option.default not in option.choices:
                self.fail(f"the default {option.default!r} of the option {key} is not among its choices")
            for choice in option.choices:
                self.parse(request, f"{parsed.name}[{key}={choice}]")
            with pytest.raises(SpecError, match=key):
                parse_spec(f"{parsed.name}[{key}=no-such-choice]", known)
        with pytest.raises(SpecError, match="no option 'no-such-option'"):
            parse_spec(f"{parsed.name}[no-such-option=1]", known)

    # What it says of itself

    def test_describes_itself(self, backend: Subject) -> None:
        can = backend.capabilities
        for when in ("before", "after"):
            said = backend.describe()
            if not said.version or said.version not in said.versions.values():
                self.fail(f"{when} a run, its version {said.version!r} is none of its versions {dict(said.versions)}")
            if said.device not in can.devices:
                self.fail(f"{when} a run, its device {said.device!r} is none of those claimed: {can.devices}")
            if said.precision not in can.precisions:
                self.fail(f"{when} a run, its precision {said.precision!r} is none of those claimed: {can.precisions}")
            self.gives(backend, programs.measured(1, []), "0", "a circuit without gates")

    def test_claims_gates_that_exist(self, backend: Subject) -> None:
        unknown = sorted(backend.capabilities.gates - set(GATES))
        if unknown:
            self.fail(f"capabilities().gates has {unknown}; known gates are {', '.join(sorted(GATES))}")

    # Bits and shots

    @pytest.mark.parametrize("what", catalogue.BITS)
    def test_bits(self, backend: Subject, what: str) -> None:
        self.gives(backend, *catalogue.BITS[what], what)

    @pytest.mark.parametrize("shots", [1, 7, 1000, 100_000])
    def test_shots(self, backend: Subject, shots: int) -> None:
        """The counts sum to the shots, also where these are many more than there are outcomes."""
        self.agrees(backend, programs.coin_tosses(3), shots, f"{shots} shots of 3 bits")
        self.gives(backend, *catalogue.BITS[_MAPPED], f"{shots} shots of one outcome", shots)

    @pytest.mark.parametrize("shots", [1, 7, 1000])
    def test_shots_of_a_dynamic_circuit(self, backend: Subject, shots: int) -> None:
        self.needs_dynamic(backend)
        self.agrees_or_skips(backend, catalogue.DYNAMIC["a gate after a measurement"], shots, f"{shots} shots")

    # Gates

    @pytest.mark.parametrize("name", sorted(GATES))
    def test_gate(self, backend: Subject, name: str) -> None:
        """Between other gates, natively or through lowering; between Clifford gates where no others are taken."""
        generic, clifford = (programs.gate_trials(name, clifford=value) for value in (False, True))
        try:
            self.agree_if_run(backend, generic, 4000, name)
        except UnsupportedError:
            try:
                self.agree_if_run(backend, clifford, 300, name)
            except UnsupportedError as error:
                if name in backend.capabilities.gates and self.runs_without(backend, name, clifford[0]):
                    self.fail(f"capabilities() claims the gate {name!r}, which is refused ({error}), yet not rewritten")
                pytest.skip(f"{self.spec}: {error}")

    @pytest.mark.parametrize("n_qubits", [1, 2, 3])
    def test_unitary(self, backend: Subject, n_qubits: int) -> None:
        try:
            self.agree_if_run(backend, programs.unitary_trials(n_qubits), 4000, f"unitary on {n_qubits} qubits")
        except UnsupportedError as error:
            if n_qubits <= backend.capabilities.unitary_qubits and self.takes(backend, "u"):
                self.fail(f"capabilities() claims unitaries of {n_qubits} qubits, but they are refused: {error}")
            pytest.skip(f"{self.spec}: {error}")

    def test_an_unknown_gate_is_refused(self, backend: Subject) -> None:
        """``prepare`` must not pass over what it does not know."""
        if not isinstance(backend, InProcess):
            pytest.skip("a worker lowers a circuit before it prepares it")
        program = programs.measured(1, [Instruction("no_such_gate", (0,))])
        try:
            backend.backend.run(backend.backend.prepare(program), 1, 1)
        except Exception:  # whatever the adapter raises
            return
        self.fail("a circuit with an unknown gate runs; prepare() must raise UnsupportedError", program)

    def test_a_random_circuit(self, backend: Subject) -> None:
        """All gates that the backend takes, on many qubits, against the exact distribution."""
        n_qubits = min(self.random_qubits, backend.capabilities.max_qubits or self.random_qubits)
        program = programs.random_circuit(n_qubits, self.gates(backend), seed=1)
        self.agrees(backend, program, 20_000, f"a random circuit of {n_qubits} qubits")

    def test_the_largest_circuit(self, backend: Subject) -> None:
        """``max_qubits`` are taken, and one more is not."""
        most = backend.capabilities.max_qubits
        if most is None:
            pytest.skip(f"{self.spec} bounds the number of qubits by memory only")
        flip_last = [programs.gate("x", most - 1)]
        with pytest.raises(UnsupportedError):
            backend.counts(programs.measured(most + 1, flip_last), 1)
        if most <= 20:  # a larger state may not fit
            self.gives(backend, programs.measured(most, flip_last), "1" + "0" * (most - 1), f"{most} qubits", 1)

    # Dynamic circuits and noise

    @pytest.mark.parametrize("what", catalogue.DYNAMIC)
    def test_dynamic(self, backend: Subject, what: str) -> None:
        """A circuit that the simulator can't run is refused with the reason."""
        self.needs_dynamic(backend)
        self.agrees_or_skips(backend, catalogue.DYNAMIC[what], 500, what)

    def test_dynamic_circuits_run_if_and_only_if_they_are_claimed(self, backend: Subject) -> None:
        runs = [what for what, program in catalogue.DYNAMIC.items() if self.runs(backend, program)]
        if backend.capabilities.dynamic != bool(runs):
            self.fail(f"capabilities().dynamic is {backend.capabilities.dynamic}; the circuits that run: {runs}")

    @pytest.mark.parametrize("channel", [*catalogue.NOISE, "a channel inside a condition"])
    def test_noise(self, backend: Subject, channel: str) -> None:
        """A channel that the simulator does not have is refused with the reason."""
        self.needs_noise(backend)
        trials = catalogue.NOISE.get(channel)
        if trials is None:
            self.needs_dynamic(backend)
            trials = {"a coin": catalogue.NOISE_IN_BLOCK}
        for what, (program, expected) in trials.items():
            distribution = Distribution.from_expected(expected, program.n_clbits)
            self.agrees_or_skips(backend, program, 10_000, f"{channel}, {what}", distribution)

    @pytest.mark.parametrize("kind", KINDS)
    def test_noise_models(self, backend: Subject, kind: str) -> None:
        """The noise that a session adds, against exact density matrices: the gates that count are those of the circuit,
        whatever the simulator makes of them."""
        self.needs_noise(backend)
        model = NoiseModel(kind, 0.1)
        for clifford in (False, True):
            program = with_noise(programs.noise_trial(clifford=clifford), model)
            try:
                self.agree_if_run(backend, [program], 10_000, f"{kind} after every gate", noisy_distribution)
            except UnsupportedError as error:
                refused = error
            else:
                return
        pytest.skip(f"{self.spec}: {refused}")

    def test_noise_runs_if_and_only_if_it_is_claimed(self, backend: Subject) -> None:
        first = {channel: next(iter(trials.values()))[0] for channel, trials in catalogue.NOISE.items()}
        runs = [channel for channel, program in first.items() if self.runs(backend, program)]
        if backend.capabilities.noise != bool(runs):
            self.fail(f"capabilities().noise is {backend.capabilities.noise}; the channels that run: {runs}")

    # Seeds

    @pytest.mark.parametrize("kind", ["static", "dynamic", "noisy"])
    def test_seeds(self, backend: Subject, kind: str) -> None:
        """One seed gives the same counts again, whatever ran between; another gives others."""
        program = programs.coin_tosses(8)
        if kind == "dynamic":
            self.needs_dynamic(backend)
            again = (programs.gate("reset", 0), programs.gate("h", 0), programs.measure(0, 0))
            program = replace(program, instructions=(*program.instructions, *again))
        if kind == "noisy":
            self.needs_noise(backend)
            program = programs.measured(8, [programs.gate("depolarizing", i, params=(0.9,)) for i in range(8)])
        one, other = _SEEDS
        first, second, third = (self.counts(backend, program, 1000, kind, seed) for seed in (one, other, one))
        if first == second:
            self.fail(f"the seeds {one} and {other} give equal counts of 1000 shots: run() must use its seed")
        if kind not in self.unseeded and first != third:
            self.fail(
                f"the seed {one} gives other counts the second time: pass it on to the simulator, or name {kind!r} in "
                "the attribute unseeded of this class where it takes none"
            )

    # The life of an instance

    def test_circuits_in_turn(self, backend: Subject) -> None:
        """One circuit after another, each prepared anew."""
        for what in ("qubit 0 is the rightmost bit", "bits that are never written are 0") * 10:
            self.gives(backend, *catalogue.BITS[what], f"after another circuit, {what}", 3)

    def test_instances_one_after_another(self, parsed: BackendSpec, backend: Subject) -> None:
        """Opening, running and closing others leaves an instance as it was."""
        for _ in range(3):
            with closing(open_subject(parsed)) as other:
                self.gives(other, *catalogue.BITS[_MAPPED], "a new instance")
        self.gives(backend, *catalogue.BITS[_MAPPED], "the first instance after others")

    def test_device_memory(self, backend: Subject) -> None:
        if not isinstance(backend, InProcess):
            pytest.skip("only a worker itself can ask for it")
        backend.backend.synchronize()
        peak = backend.backend.device_peak_bytes()
        if peak is not None and (not isinstance(peak, int) or peak < 0):
            self.fail(f"device_peak_bytes() is {peak!r}; it must be a number of bytes, or None")

    # Precision, devices, threads

    def test_precisions(self, parsed: BackendSpec, adapter: type[Backend], backend: Subject) -> None:
        """Every precision claimed can be chosen, is the one described, and gives right outcomes."""
        for precision in backend.capabilities.precisions:
            with self.with_option(parsed, adapter, backend, "precision", precision) as chosen:
                program = programs.random_circuit(6, self.gates(chosen), seed=2)
                self.agrees(chosen, program, 5000, f"precision={precision}")
                if (said := chosen.describe().precision) != precision:
                    self.fail(f"with precision={precision} it describes {said!r}")

    def test_devices(self, parsed: BackendSpec, adapter: type[Backend], backend: Subject) -> None:
        """Every device claimed can be chosen; it works and is the one described, or is unavailable with a reason."""
        absent = []
        for device in backend.capabilities.devices:
            try:
                with self.with_option(parsed, adapter, backend, "device", device) as chosen:
                    program, key = catalogue.BITS[_MAPPED]
                    chosen.counts(program, 1)
                    self.gives(chosen, program, key, f"device={device}")
                    if (said := chosen.describe().device) != device:
                        self.fail(f"with device={device} it describes {said!r}")
            except UnavailableError as error:
                absent.append(f"{device} ({why(error)})")
            except UnsupportedError as error:
                absent.append(f"{device} ({error})")
        if absent:
            pytest.skip(f"{self.spec}: not tried: {'; '.join(absent)}")

    def test_in_a_worker(self, backend: Subject, worker: InWorker) -> None:
        """As a session runs it: constructed, asked and closed in a process of its own."""
        if worker.capabilities != backend.capabilities:
            self.fail(f"in a worker it claims {worker.capabilities}, here {backend.capabilities}")
        self.gives(worker, *catalogue.BITS[_MAPPED], "in a worker")
        self.agrees(worker, programs.random_circuit(5, self.gates(worker), seed=3), 5000, "in a worker")
        if (most := worker.capabilities.max_qubits) is not None:
            with pytest.raises(UnsupportedError):
                worker.counts(programs.coin_tosses(most + 1), 1)

    @pytest.mark.parametrize("threads", [1, 2])
    def test_threads(self, parsed: BackendSpec, backend: Subject, worker: InWorker, threads: int) -> None:
        """It uses no more threads than it may, and says how many (None where that can't be told)."""
        n_qubits = min(self.busy_qubits, backend.capabilities.max_qubits or self.busy_qubits)
        program = programs.long_circuit(n_qubits, [name for name in ("h", "t") if self.takes(backend, name)])
        with nullcontext(worker) if threads == 1 else closing(InWorker(parsed, threads)) as busy:
            measurement = busy.measure(program, 100, 1, RoundPolicy(min_rounds=3, max_time=0.2, max_rounds=100))
        said = measurement.description.threads
        if said is not None and not 1 <= said <= threads:
            self.fail(f"it may use {threads} threads, and describes {said}")
        wall, cpu = sum(measurement.rounds_s), sum(measurement.cpu_s)
        # Half a CPU more, and two ticks of a clock, for what runs beside the simulator.
        if cpu > (threads + 0.5) * wall + 0.02:
            self.fail(f"it may use {threads} threads, and keeps {cpu / wall:.1f} CPUs busy: pass the number on")
