"""Which nodes get a lane, and where a lane goes on."""

from __future__ import annotations

import pytest

from pytest_qbench.cluster.connection import ClusterError, Node, SchedulerLostError
from pytest_qbench.cluster.roster import Roster, choose_nodes
from pytest_qbench.measure.process import CancelledError


def node_of(address: str, machine: str) -> Node:
    return Node(address, machine, {"name": machine}, declares=False)


A1, A2, B1 = node_of("tcp://a:1", "a"), node_of("tcp://a:2", "a"), node_of("tcp://b:1", "b")


class Nodes:
    """Stands where the connection is: a list of nodes that the test changes."""

    address = "tcp://scheduler:8786"

    def __init__(self, *nodes: Node) -> None:
        self.now = list(nodes)
        self.error: ClusterError | None = None
        self.is_stopped = False

    def nodes(self) -> list[Node]:
        if self.error is not None:
            raise self.error
        return list(self.now)

    @property
    def known_nodes(self) -> list[Node]:
        return list(self.now)


def test_one_lane_per_machine_or_one_per_worker() -> None:
    assert choose_nodes([A1, A2, B1], share_hosts=False) == [A1, B1]
    assert choose_nodes([A1, A2, B1], share_hosts=True) == [A1, A2, B1]


def test_a_worker_that_stands_by_on_the_same_machine_comes_first() -> None:
    nodes = Nodes(A1, A2, B1)
    roster = Roster(nodes, 0.0, share_hosts=False)  # type: ignore[arg-type]
    nodes.now = [A2, B1]
    assert roster.replace(0, A1) == A2
    assert roster.node(0) == A2
    nodes.now = [B1]
    assert roster.replace(0, A2) == B1, "two lanes on one worker, if there is no other"


def test_the_last_worker_is_not_waited_for_twice() -> None:
    nodes = Nodes(A1)
    roster = Roster(nodes, 0.6, share_hosts=False)  # type: ignore[arg-type]
    nodes.now = []
    for _ in range(2):
        with pytest.raises(ClusterError, match="no Dask worker is left"):
            roster.replace(0, A1)
    nodes.now = [B1]
    assert roster.replace(0, A1) == B1


def test_a_worker_that_cannot_serve_is_passed_over() -> None:
    nodes = Nodes(A1)
    roster = Roster(nodes, 0.0, share_hosts=False)  # type: ignore[arg-type]
    nodes.now, nodes.error = [B1], ClusterError("another version")
    assert roster.replace(0, A1) == B1


def test_neither_a_lost_scheduler_nor_the_end_of_the_session_is_waited_for() -> None:
    nodes = Nodes(A1)
    roster = Roster(nodes, 60.0, share_hosts=False)  # type: ignore[arg-type]
    nodes.now, nodes.is_stopped = [], True
    with pytest.raises(CancelledError):
        roster.replace(0, A1)
    nodes.error = SchedulerLostError("gone")
    with pytest.raises(SchedulerLostError):
        roster.replace(0, A1)
