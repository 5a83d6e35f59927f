"""Which lane measures on which node, and where it goes on when its node is lost. Session side."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable

from pytest_qbench.cluster.connection import ClusterError, Connection, Node, SchedulerLostError
from pytest_qbench.measure.process import CancelledError

_PAUSE_S = 0.5


def choose_nodes(nodes: Iterable[Node], *, share_hosts: bool) -> list[Node]:
    """The nodes that get a lane each: one per machine, or all of them.

    Of several Dask workers on one machine the others stand by: in each of them the simulators would fill the memory
    once more, for one measurement at a time all the same.
    """
    chosen: dict[str, Node] = {}
    for node in nodes:
        chosen.setdefault(node.address if share_hosts else node.machine, node)
    return list(chosen.values())


class Roster:
    """The lanes of a session and their nodes. Its methods may be called by several threads."""

    def __init__(self, connection: Connection, startup_timeout: float, *, share_hosts: bool) -> None:
        """One lane for each node of ``connection`` that :func:`choose_nodes` chooses."""
        self._connection = connection
        self._patience = startup_timeout
        self._lock = threading.Lock()
        self._nodes = dict(enumerate(choose_nodes(connection.nodes(), share_hosts=share_hosts)))

    def __len__(self) -> int:
        return len(self._nodes)

    def node(self, lane: int) -> Node:
        """Where ``lane`` measures now."""
        return self._nodes[lane]

    def replace(self, lane: int, lost: Node) -> Node:
        """Another node for ``lane``, whose node ``lost`` is gone: the one with the fewest lanes, on its machine if any.

        Where there is none, one that joins within the start-up timeout; that is waited for only once in a session.

        Raises:
            ClusterError: there is none, or the scheduler is gone.
            CancelledError: the session ends.
        """
        deadline = time.monotonic() + self._patience
        while True:
            with self._lock:
                node = self._spare(lane, lost)
                if node is not None:
                    self._nodes[lane] = node
                    return node
                if time.monotonic() > deadline or not self._patience:
                    self._patience = 0.0
                    raise ClusterError(
                        f"no Dask worker is left, and none has joined {self._connection.address} for a while; "
                        "see the workers' logs for why they ended"
                    )
            if self._connection.is_stopped:
                raise CancelledError
            time.sleep(_PAUSE_S)

    def _spare(self, lane: int, lost: Node) -> Node | None:
        try:
            nodes = self._connection.nodes()
        except SchedulerLostError:
            raise
        except ClusterError:  # one that joined later and can't serve; there may be others
            nodes = self._connection.known_nodes
        lanes = Counter(node.address for other, node in self._nodes.items() if other != lane)
        usable = [node for node in nodes if node.address != lost.address]
        return min(
            usable,
            key=lambda node: (lanes[node.address], node.machine != lost.machine, node.address),
            default=None,
        )
