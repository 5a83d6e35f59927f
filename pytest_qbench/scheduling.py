"""How pytest-xdist hands out items: a ladder stays on one of its workers."""

from __future__ import annotations

import re
from typing import Any

import pytest

_SHOTS = re.compile(r"-s\d+\]$")


def ladder_scheduler(config: pytest.Config, log: Any) -> Any:
    """A scheduler whose unit of work is a ladder: its points share the prepared program and the abort rule."""
    from xdist.scheduler import LoadScopeScheduling

    class LadderScheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return ladder_of(nodeid)

    return LadderScheduling(config, log)


def ladder_of(nodeid: str) -> str:
    """A point's node id without its shots, which names its ladder; any other node id as it is."""
    return _SHOTS.sub("]", nodeid)
