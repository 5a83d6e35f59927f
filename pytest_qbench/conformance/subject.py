"""A backend that is put to the test: an adapter in this process, or one in a worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_qbench.backends.base import Capabilities, Description, UnavailableError, UnsupportedError
from pytest_qbench.backends.registry import load_backend
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.measure.checks import check_counts
from pytest_qbench.measure.messages import (
    Abort,
    Measurement,
    MeasureRequest,
    RoundPolicy,
    Unavailable,
    Unsupported,
    WorkerSpec,
)
from pytest_qbench.measure.supervisor import Supervisor

if TYPE_CHECKING:
    from pytest_qbench.circuits.program import Program
    from pytest_qbench.specs import BackendSpec

_TIMEOUT = 60.0
_ONE_ROUND = RoundPolicy(min_rounds=1, max_time=0.0, max_rounds=1)


class WorkerError(Exception):
    """A worker did not do what it was asked; the message has what the simulator printed or raised."""


class Subject(ABC):
    """A backend that programs can be given to."""

    capabilities: Capabilities

    @abstractmethod
    def describe(self) -> Description:
        """What it says of itself."""

    @abstractmethod
    def counts(self, program: Program, shots: int, seed: int = 1) -> Mapping[str, int]:
        """The counts of ``shots`` shots, checked to be a distribution of so many over the program's bits.

        A program is prepared once where it is run several times in a row.

        Raises:
            UnsupportedError: the backend can't run the program.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what it holds."""


class InProcess(Subject):
    """The adapter itself, so that its exceptions arrive with their traceback; ``backend`` is the instance."""

    def __init__(self, spec: BackendSpec, threads: int) -> None:
        """Construct the adapter.

        Raises:
            UnavailableError: the simulator can't be used here.
        """
        adapter = load_backend(spec.name, spec.target)
        try:
            self.backend = adapter(dict(spec.options), threads)
        except ImportError as error:
            raise UnavailableError(str(error), adapter.install) from error
        self.capabilities = self.backend.capabilities()
        self._prepared: tuple[str, Any] | None = None

    def describe(self) -> Description:
        return self.backend.describe()

    def counts(self, program: Program, shots: int, seed: int = 1) -> Mapping[str, int]:
        if self._prepared is None or self._prepared[0] != program.hash:
            self._prepared = None
            prepared = self.backend.prepare(lower(program, self.capabilities))
            self._prepared = program.hash, prepared
        result = self.backend.run(self._prepared[1], shots, seed)
        self.backend.synchronize()
        return check_counts(self.backend.counts(result), program.n_clbits, shots)

    def close(self) -> None:
        self._prepared = None
        self.backend.close()


class InWorker(Subject):
    """The backend as a session has it: in a process of its own, under the interpreter that the spec names."""

    def __init__(self, spec: BackendSpec, threads: int) -> None:
        """Start a worker.

        Raises:
            UnavailableError: the simulator can't be used here.
            WorkerError: the worker did not start for another reason.
        """
        self._supervisor = Supervisor(
            WorkerSpec(spec.target, dict(spec.options), threads, spec.python, startup_timeout=_TIMEOUT)
        )
        answer = self._supervisor.describe()
        if not isinstance(answer, Description):
            self._supervisor.close()
            if isinstance(answer, Unavailable):
                raise UnavailableError(answer.reason, answer.install)
            raise WorkerError(_text(answer))
        capabilities = self._supervisor.capabilities
        assert capabilities is not None
        self.capabilities = capabilities

    def describe(self) -> Description:
        answer = self._supervisor.describe()
        assert isinstance(answer, Description), answer
        return answer

    def counts(self, program: Program, shots: int, seed: int = 1) -> Mapping[str, int]:
        return self.measure(program, shots, seed, _ONE_ROUND).counts

    def measure(self, program: Program, shots: int, seed: int, policy: RoundPolicy) -> Measurement:
        """As :meth:`counts`, with all that a worker measures.

        Raises:
            UnsupportedError: the backend can't run the program.
            WorkerError: it failed, or took more than a minute for a call.
        """
        outcome = self._supervisor.measure(MeasureRequest(program, shots, seed, _TIMEOUT, policy))
        if isinstance(outcome, Unsupported):
            raise UnsupportedError(outcome.reason)
        if isinstance(outcome, Unavailable):
            raise WorkerError(outcome.reason)
        if isinstance(outcome, Abort):
            raise WorkerError(_text(outcome))
        return outcome

    def close(self) -> None:
        self._supervisor.close()


def open_subject(spec: BackendSpec, threads: int = 1) -> Subject:
    """An adapter in this process, or in a worker where the spec names another interpreter.

    Raises:
        UnavailableError: the simulator can't be used here.
        WorkerError: a worker did not start for another reason.
    """
    return InProcess(spec, threads) if spec.python is None else InWorker(spec, threads)


def _text(abort: Abort) -> str:
    return f"{abort.reason}\n{abort.detail}".strip()
