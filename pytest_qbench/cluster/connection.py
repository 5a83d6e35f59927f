"""The session's connection with a Dask cluster: which nodes there are, and orders to them. Session side."""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytest_qbench import __version__
from pytest_qbench.measure.process import CancelledError as SessionEndedError

CONNECT_S = 10.0
LOOK_S = 1.0
"""Seconds between two looks at whether what is waited for can still come."""
_CALL_S = 20.0
"""Seconds that the scheduler may take to answer a question."""
_END_S = 8.0


class ClusterError(Exception):
    """The cluster can't be used; the message says why and what to do."""


class NodeLostError(Exception):
    """The Dask worker that was to measure is gone; the message says how that showed."""


class SchedulerLostError(ClusterError):
    """The scheduler does not answer any more: nothing can be measured from now on."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Dask worker that may measure.

    ``host`` is what a row says of the machine, ``machine`` tells machines apart, ``declares`` says whether the worker
    was started with the resource ``qbench``.
    """

    address: str
    machine: str
    host: Mapping[str, Any]
    declares: bool


class Connection:
    """A client of a Dask scheduler. Its methods may be called by several threads."""

    def __init__(self, address: str, startup_timeout: float) -> None:
        """Connect, and wait up to ``startup_timeout`` seconds for the first worker.

        Raises:
            ClusterError: nobody answers, there is no worker, or the workers have another version of the package.
        """
        from distributed import Client

        self.address = address
        self.session = uuid.uuid4().hex
        self._startup_timeout = startup_timeout
        self._stopped = threading.Event()
        self._failure = ""
        self._nodes: dict[str, Node] = {}
        self._looking = threading.Lock()
        self._present: set[str] = set()
        self._watched = -math.inf
        self._watching = threading.Lock()
        # What it prints of lost connections, the session says itself, where it belongs.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False, name="pytest-qbench")
        except (OSError, TimeoutError, ValueError, ImportError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {address} within {CONNECT_S:g} s ({_first_line(error)}); start one with "
                "'dask scheduler', and give the address that it prints"
            ) from error
        try:
            self._wait_for_worker()
        except BaseException:
            self.close()
            raise

    def _wait_for_worker(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=self._startup_timeout)
        except TimeoutError:
            raise ClusterError(
                f"no Dask worker has joined {self.address} within {self._startup_timeout:g} s; start one on each node: "
                f"dask worker {self.address} --nworkers 1 --nthreads 1 --resources 'qbench=1' (or wait longer with "
                "--qbench-startup-timeout)"
            ) from None
        except (OSError, CancelledError) as error:
            raise self._lost(error) from error
        if not self.nodes():
            raise ClusterError(f"no Dask worker at {self.address} tells what it is; see their logs")

    def nodes(self) -> list[Node]:
        """The Dask workers there are now; those that declare the resource ``qbench`` only, where some do.

        Raises:
            SchedulerLostError: there is no way to know.
            ClusterError: a worker can't serve this session.
        """
        with self._looking:
            addresses = self._addresses()
            for address in self._nodes.keys() - addresses:
                del self._nodes[address]
            self._nodes.update(self._ask(addresses - self._nodes.keys()))
        return self.known_nodes

    @property
    def known_nodes(self) -> list[Node]:
        """The same, as of the last look."""
        nodes = [node for _, node in sorted(self._nodes.items())]
        return [node for node in nodes if node.declares] or nodes

    def _addresses(self) -> set[str]:
        """The Dask workers that the scheduler knows now."""
        if self._failure:
            raise SchedulerLostError(self._failure)
        try:
            return set(self._client.nthreads(callback_timeout=_CALL_S))
        except (OSError, TimeoutError, CancelledError) as error:
            raise self._lost(error) from error

    def _is_there(self, address: str) -> bool:
        """Whether the scheduler knows this Dask worker, asked once in a while for all that wait."""
        with self._watching:
            if address not in self._present or time.monotonic() - self._watched > LOOK_S:
                self._present = self._addresses()
                self._watched = time.monotonic()
            return address in self._present

    def _ask(self, addresses: Iterable[str]) -> dict[str, Node]:
        """What each of these Dask workers is; one that is gone or silent before it has said so is left out."""
        from pytest_qbench.cluster import node

        futures = {address: self._submit(node.facts, address) for address in addresses}
        deadline = time.monotonic() + self._startup_timeout
        found = {}
        for address, future in futures.items():
            with suppress(NodeLostError, TimeoutError):
                facts = self._result(future, address, deadline)
                if facts["version"] != __version__:
                    raise ClusterError(
                        f"the Dask worker {address} on {facts['host']['name']} has pytest-qbench {facts['version']}, "
                        f"this session {__version__}: install the same version on all nodes, and restart the workers"
                    )
                declares = facts["resources"].get(node.RESOURCE, 0) >= 1
                found[address] = Node(address, facts["machine"], facts["host"], declares)
        return found

    def call(self, target: Node, function: Callable[[bytes], bytes], message: bytes) -> bytes:
        """``function(message)`` on a node.

        Raises:
            NodeLostError: it is gone.
            ClusterError: the function failed, or the scheduler is gone (:class:`SchedulerLostError`).
            SessionEndedError: :meth:`stop` was called.
        """
        from pytest_qbench.cluster.node import RESOURCE

        resources = {RESOURCE: 1} if target.declares else None
        future = self._submit(function, target.address, message, resources=resources)
        result: bytes = self._result(future, target.address)
        return result

    def _lost(self, error: BaseException) -> SchedulerLostError:
        """What to raise where the scheduler is gone, now and at every later call."""
        self._failure = f"the Dask scheduler at {self.address} does not answer any more ({_first_line(error)})"
        return SchedulerLostError(self._failure)

    def _submit(self, function: Callable[..., Any], address: str, *arguments: Any, resources: Any = None) -> Any:
        if self._failure:
            raise SchedulerLostError(self._failure)
        return self._client.submit(
            function, *arguments, workers=[address], allow_other_workers=False, resources=resources, pure=False
        )

    def _result(self, future: Any, address: str, deadline: float | None = None) -> Any:
        """The result of a task on the worker ``address``; never waits for what can't come any more."""
        from distributed import KilledWorker

        try:
            while True:
                if self._stopped.is_set():
                    raise SessionEndedError
                try:
                    return future.result(timeout=LOOK_S)
                except TimeoutError:
                    if deadline is not None and time.monotonic() > deadline:
                        raise
                    # A task that is bound to a worker waits for its return for ever.
                    if not self._is_there(address):
                        raise NodeLostError(f"the Dask worker {address} is gone") from None
        except KilledWorker as error:
            raise NodeLostError(f"the Dask worker {address} was lost") from error
        except CancelledError as error:
            raise self._lost(error) from error
        except ModuleNotFoundError as error:
            raise ClusterError(
                f"the Dask worker {address} can't import what it needs ({error}): install pytest-qbench {__version__} "
                "on all nodes, and restart the workers"
            ) from error
        except (ClusterError, NodeLostError, TimeoutError):
            raise
        except Exception as error:  # whatever goes wrong on a node is told
            raise ClusterError(f"the Dask worker {address}: {type(error).__name__}: {_first_line(error)}") from error
        finally:
            if not future.done():
                with suppress(Exception):  # the scheduler may be gone
                    future.cancel()

    def stop(self) -> None:
        """Have the threads that wait in :meth:`call` raise :class:`SessionEndedError`, within a second."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped.is_set()

    def end_on_nodes(self) -> None:
        """Stop what is measured, and end what the session has on the nodes."""
        from pytest_qbench.cluster import node

        self._stopped.set()
        if self._client.status == "closed":
            return
        with suppress(Exception):  # what can't be told ends by itself, see node.IDLE_S
            self._client.run(node.end_session, self.session, on_error="ignore", callback_timeout=_END_S)

    def close(self) -> None:
        """Leave the cluster."""
        self._stopped.set()
        with suppress(Exception):
            self._client.close(timeout=_END_S)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
