"""On which machines of a cluster the points of a row were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_qbench.results import PointResult


def host_fields(ordered: Sequence[PointResult]) -> dict[str, Any]:
    """The fields ``host`` and ``moved`` of a row whose points are ``ordered``.

    ``host`` is the machine that the ladder began on, None for the one of the session. ``moved`` has, by shots, the
    machines of those points that were measured on another one, because the first was lost meanwhile.
    """
    known = [point for point in ordered if point.host is not None]
    host = known[0].host if known else None
    return {"host": host, "moved": {point.shots: point.host for point in known if point.host != host}}


def hardware_of(row: Mapping[str, Any], shots: int) -> str | None:
    """The fingerprint of the machine that a point of ``row`` was measured on, None for the one of the session."""
    host = (row.get("moved") or {}).get(str(shots)) or row.get("host")
    return None if host is None else host["fingerprint"]
