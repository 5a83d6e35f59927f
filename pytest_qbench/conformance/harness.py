"""What the tests of :class:`~pytest_qbench.conformance.BackendConformance` share: the backend, and how to judge it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import ClassVar, NoReturn

import pytest

from pytest_qbench.backends.base import Backend, UnavailableError, UnsupportedError
from pytest_qbench.backends.registry import BackendLoadError, load_backend
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.circuits.program import Program
from pytest_qbench.conformance import programs
from pytest_qbench.conformance.subject import InWorker, Subject, open_subject
from pytest_qbench.measure.checks import ProtocolError
from pytest_qbench.specs import BackendSpec, SpecError, parse_spec
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.exact import exact_distribution
from pytest_qbench.verify.goodness import check_counts


class Harness:
    """The fixtures of the tests, and their judgement; without a test of its own."""

    spec: ClassVar[str]
    """The backend spec: a name that is registered (entry point or ``pytest_qbench_backends`` hook), with options."""

    _opened: ClassVar[Subject | None] = None
    _worker: ClassVar[InWorker | None] = None
    _unavailable: ClassVar[str] = ""

    @classmethod
    def setup_class(cls) -> None:
        """Nothing is opened yet."""
        cls._opened, cls._worker, cls._unavailable = None, None, ""

    @classmethod
    def teardown_class(cls) -> None:
        """Close what the tests shared."""
        for subject in (cls._opened, cls._worker):
            if subject is not None:
                subject.close()
        cls._opened = cls._worker = None

    @pytest.fixture
    def parsed(self, request: pytest.FixtureRequest) -> BackendSpec:
        """The parsed spec."""
        return self.parse(request, self.spec)

    @pytest.fixture
    def adapter(self, parsed: BackendSpec) -> type[Backend]:
        """The adapter's class."""
        return load_backend(parsed.name, parsed.target)

    @pytest.fixture
    def backend(self, parsed: BackendSpec) -> Subject:
        """One instance with one thread, shared by the tests; they are skipped where there can't be one."""
        cls = type(self)
        if cls._opened is None and not cls._unavailable:
            try:
                cls._opened = open_subject(parsed)
            except UnavailableError as error:
                cls._unavailable = why(error)
        if cls._opened is None:
            pytest.skip(f"{self.spec} is unavailable: {cls._unavailable}")
        return cls._opened

    @pytest.fixture
    def worker(self, parsed: BackendSpec, backend: Subject) -> InWorker:
        """A worker with one thread, shared by the tests: some simulators take seconds to import."""
        cls = type(self)
        if cls._worker is None:
            cls._worker = InWorker(parsed, threads=1)
        return cls._worker

    @staticmethod
    def known(request: pytest.FixtureRequest) -> Mapping[str, str]:
        """Every registered backend: name -> ``module:Class``."""
        from pytest_qbench.plugin import activate

        return activate(request.config).session.known_backends

    def parse(self, request: pytest.FixtureRequest, text: str) -> BackendSpec:
        """A backend spec; one that is wrong fails the test."""
        try:
            return parse_spec(text, self.known(request))
        except (SpecError, BackendLoadError) as error:
            pytest.fail(str(error), pytrace=False)

    def fail(self, message: str, program: Program | None = None) -> NoReturn:
        """Fail the test, with the circuit that showed it."""
        shown = "" if program is None else f"\n{programs.listing(program)}"
        pytest.fail(f"{self.spec}: {message}{shown}", pytrace=False)

    def needs_dynamic(self, backend: Subject) -> None:
        """Skip the test where dynamic circuits are not claimed."""
        if not backend.capabilities.dynamic:
            pytest.skip(f"{self.spec} runs no dynamic circuits")

    def needs_noise(self, backend: Subject) -> None:
        """Skip the test where noise is not claimed."""
        if not backend.capabilities.noise:
            pytest.skip(f"{self.spec} runs no noise")

    def counts(self, backend: Subject, program: Program, shots: int, what: str, seed: int = 1) -> Mapping[str, int]:
        """The counts; a circuit that is refused, or an answer that can't be, fails the test."""
        try:
            return backend.counts(program, shots, seed)
        except UnsupportedError as error:
            self.fail(f"{what}: refused ({error})", program)
        except ProtocolError as error:
            self.fail(f"{what}: {error}", program)

    def gives(self, backend: Subject, program: Program, key: str, what: str, shots: int = 10) -> None:
        """Run a program that has one possible outcome, ``key``."""
        counts = self.counts(backend, program, shots, what)
        if {outcome: count for outcome, count in counts.items() if count} != {key: shots}:
            self.fail(f"{what}: {shots} shots must give {key!r} (classical bit 0 rightmost), not {counts}", program)

    def agrees(
        self, backend: Subject, program: Program, shots: int, what: str, expected: Distribution | None = None
    ) -> None:
        """Run a program; its counts must follow what is expected, or the exact distribution."""
        counts = self.counts(backend, program, shots, what)
        distribution = exact_distribution(program) if expected is None else expected
        check = check_counts(counts, distribution, shots, precision=backend.describe().precision)
        if not check.passed:
            self.fail(f"{what}: {check.message}", program)

    def agrees_or_skips(
        self, backend: Subject, program: Program, shots: int, what: str, expected: Distribution | None = None
    ) -> None:
        """As :meth:`agrees`; skip the test with the reason where the program is refused."""
        try:
            backend.counts(program, 1)
        except UnsupportedError as error:
            pytest.skip(f"{self.spec}: {error}")
        self.agrees(backend, program, shots, what, expected)

    def agree_if_run(
        self,
        backend: Subject,
        trials: Sequence[Program],
        shots: int,
        what: str,
        exact: Callable[[Program], Distribution] = exact_distribution,
    ) -> None:
        """As :meth:`agrees`, for those of several programs that are not refused.

        Raises:
            UnsupportedError: all of them are refused.
        """
        refusals = []
        for program in trials:
            try:
                backend.counts(program, 1)
            except UnsupportedError as error:
                refusals.append(error)
            else:
                self.agrees(backend, program, shots, what, exact(program))
        if len(refusals) == len(trials):
            raise refusals[0]

    @staticmethod
    def runs(backend: Subject, program: Program) -> bool:
        """Whether the backend does not refuse ``program``."""
        try:
            backend.counts(program, 1)
        except UnsupportedError:
            return False
        return True

    def runs_without(self, backend: Subject, name: str, program: Program) -> bool:
        """Whether ``program`` would run if the backend did not claim the gate ``name``."""
        can = backend.capabilities
        try:
            rewritten = lower(program, replace(can, gates=can.gates - {name}))
        except UnsupportedError:
            return False
        return self.runs(backend, rewritten)

    def takes(self, backend: Subject, name: str) -> bool:
        """Whether the backend takes a gate at any angle, as it is or lowered."""
        return self.runs(backend, programs.one_of(name))

    def gates(self, backend: Subject) -> list[str]:
        """The gates that the backend takes at any angle."""
        return [name for name in GATES if self.takes(backend, name)]

    @contextmanager
    def with_option(
        self, parsed: BackendSpec, adapter: type[Backend], backend: Subject, key: str, value: str
    ) -> Iterator[Subject]:
        """The backend with its option ``key`` at ``value``: itself where it describes that already.

        Raises:
            UnavailableError: it is not available so.
        """
        if getattr(backend.describe(), key) == value:
            yield backend
            return
        option = adapter.options.get(key)
        if option is None or (option.choices and option.parse(value) not in option.choices):
            self.fail(f"capabilities() claims the {key} {value!r}, but there is no option {key}={value}")
        options = tuple((name, option.parse(value) if name == key else old) for name, old in parsed.options)
        with closing(open_subject(replace(parsed, options=options))) as chosen:
            yield chosen


def why(error: UnavailableError) -> str:
    """The reason, and what would help."""
    return f"{error.reason}; {error.install}" if error.install else error.reason
