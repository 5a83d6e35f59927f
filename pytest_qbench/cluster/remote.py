"""A lane on a node: the supervisors of a session's lane, as a runner sees them. Session side."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from pytest_qbench.backends.base import Description
from pytest_qbench.cluster.connection import ClusterError, Connection, Node, NodeLostError
from pytest_qbench.cluster.orders import Order, RemoteSpec, Reply, decode_reply, encode_order
from pytest_qbench.cluster.roster import Roster
from pytest_qbench.lane import Place
from pytest_qbench.measure.checks import ProtocolError
from pytest_qbench.measure.codec import Answer, encode_request
from pytest_qbench.measure.messages import (
    Abort,
    AbortKind,
    Measurement,
    MeasureRequest,
    Outcome,
    Started,
    Unavailable,
    Unsupported,
)
from pytest_qbench.measure.process import CancelledError

_ASKED_AGAIN = 3
"""Times that an order is repeated which a node gave back undone, because it had just put away an idle session."""

_NONSENSE = Abort(AbortKind.PROTOCOL, "protocol: the node answered something else than it was asked")


class RemoteSupervisor:
    """Measures points of one backend spec on the node of a lane.

    Has the interface of :class:`~pytest_qbench.measure.supervisor.Supervisor`. A point whose node is lost is measured
    again on another one, at most ``retries`` times, and then ends in ABORT.
    """

    def __init__(
        self, connection: Connection, roster: Roster, lane: int, spec: RemoteSpec, *, retries: int, share_hosts: bool
    ) -> None:
        self._connection = connection
        self._roster = roster
        self._lane = lane
        self._spec = spec
        self._label = json.dumps(asdict(spec), sort_keys=True, default=str)
        self._retries = retries
        self._share_hosts = share_hosts
        self._ahead: deque[tuple[MeasureRequest, Answer]] = deque()
        """Requests that were answered with one before them, and have not been made yet."""
        self.place: Place | None = None
        """Of the last answer."""

    @property
    def pids(self) -> list[int]:
        """None on this machine."""
        return []

    @property
    def can_start(self) -> bool:
        """Always: the node remembers what can't be started, and another node may be able to."""
        return True

    def describe(self) -> Description | Unavailable | Abort:
        """What the backend says of itself on the lane's node; starts it there."""
        answer = self._ask([])[0]
        if isinstance(answer, Started):
            return answer.description
        return answer if isinstance(answer, Unavailable | Abort) else _NONSENSE

    def measure(self, request: MeasureRequest) -> Outcome:
        """Measure one point, and with it those that are to follow, as far as they take no time to speak of.

        Raises nothing because of anything the backend or the cluster does.
        """
        ladder = [replace(request, shots=shots, then=()) for shots in (request.shots, *request.then)]
        while self._ahead:
            known, answer = self._ahead.popleft()
            if known == ladder[0]:
                break
        else:
            answers = self._ask([encode_request(one, with_program=one is ladder[0]) for one in ladder])
            self._ahead.extend(zip(ladder, answers, strict=False))
            _, answer = self._ahead.popleft()
        return answer if isinstance(answer, Measurement | Abort | Unsupported | Unavailable) else _NONSENSE

    def close(self) -> None:
        """Nothing: the workers of a session end with its connection."""

    def _ask(self, requests: Sequence[Mapping[str, Any]]) -> Sequence[Answer]:
        """The answers to the first requests, at least one: an :class:`Abort` where the cluster fails."""
        order = Order(self._connection.session, self._lane, self._label, self._spec, requests, self._share_hosts)
        message = encode_order(order)
        target = self._roster.node(self._lane)
        lost: list[str] = []
        try:
            while True:
                try:
                    reply = self._fulfilled(target, message)
                except NodeLostError as error:
                    lost.append(f"{error} ({target.host['name']})")
                    if len(lost) > self._retries:
                        break
                    target = self._roster.replace(self._lane, target)
                else:
                    self.place = Place(target.host, reply.threads, self._share_hosts)
                    return reply.answers
        except ProtocolError as error:
            return [Abort(AbortKind.PROTOCOL, f"protocol: {error}")]
        except ClusterError as error:
            lost.append(str(error))
        return [Abort(AbortKind.NODE, f"cluster: {'; then '.join(lost)}")]

    def _fulfilled(self, target: Node, message: bytes) -> Reply:
        """The node's reply, with answers."""
        from pytest_qbench.cluster.node import fulfil

        for _ in range(_ASKED_AGAIN):
            reply = decode_reply(self._connection.call(target, fulfil, message))
            if reply.answers:
                return reply
            if self._connection.is_stopped:
                raise CancelledError
        raise ProtocolError("the node does not measure for this session any more")
