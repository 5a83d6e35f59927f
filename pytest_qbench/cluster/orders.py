"""What a session sends to a Dask worker and what comes back: frames of the wire format, the same as for a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_qbench.measure.checks import ProtocolError
from pytest_qbench.measure.codec import Answer, decode_answer, encode_answer
from pytest_qbench.measure.wire import FrameDecoder, WireError, encode


@dataclass(frozen=True, slots=True)
class RemoteSpec:
    """A backend spec as a node needs it: what depends on the machine is decided there.

    ``threads`` None stands for the CPUs that the Dask worker may use; ``memory_limit`` is in bytes, and without it the
    limit is ``memory_share`` of what is free on the node.
    """

    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None
    python: str | None = None
    memory_limit: int | None = None
    memory_share: float = 0.9
    startup_timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do for a session on a Dask worker.

    ``lane`` is whose turn it is in the session: each has supervisors of its own, since what one has prepared another
    would undo. ``requests`` are encoded requests for the backend, of one program, which the first has; they are done in
    order as long as they end in measurements and time lasts. Without any, the backend is started and says what it is.
    ``shared`` lets others measure on the host at the same time.
    """

    session: str
    lane: int
    label: str
    spec: RemoteSpec
    requests: Sequence[Mapping[str, Any]] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an order: answers to its first requests, none where the session has ended; ``threads`` granted."""

    answers: tuple[Answer, ...]
    threads: int


def encode_order(order: Order) -> bytes:
    """``order`` as one frame."""
    return encode(asdict(order))


def decode_order(data: bytes) -> Order:
    """The inverse of :func:`encode_order`."""
    fields = _value(data)
    return Order(spec=RemoteSpec(**fields.pop("spec")), **fields)


def encode_reply(answers: Iterable[Answer], threads: int) -> bytes:
    """A reply as one frame."""
    return encode({"answers": [encode_answer(answer) for answer in answers], "threads": threads})


def decode_reply(data: bytes) -> Reply:
    """The inverse of :func:`encode_reply`.

    Raises:
        ProtocolError: it is none.
    """
    try:
        fields = _value(data)
        return Reply(tuple(map(decode_answer, fields["answers"])), int(fields["threads"]))
    except (WireError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ProtocolError(f"the node's reply is malformed ({type(error).__name__}: {error})") from None


def _value(data: bytes) -> Any:
    return FrameDecoder().feed(data)[0]
