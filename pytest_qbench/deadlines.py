"""What pytest-timeout asks of an item, known before the item runs."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest


def session_timeout(config: pytest.Config) -> float | None:
    """The seconds that pytest-timeout's option, environment variable or ini key say; None where there is no limit."""
    if not config.pluginmanager.hasplugin("timeout"):
        return None
    given = getattr(config.option, "timeout", None)
    if given is None:
        given = os.environ.get("PYTEST_TIMEOUT") or config.getini("timeout")
    return _seconds(given)


def item_timeout(item: pytest.Item) -> float | None:
    """The same for one item: its marker comes first."""
    marker = item.get_closest_marker("timeout")
    if marker is None or not item.config.pluginmanager.hasplugin("timeout"):
        return session_timeout(item.config)
    given = marker.kwargs.get("timeout", marker.args[0] if marker.args else None)
    return session_timeout(item.config) if given is None else _seconds(given)


def _seconds(given: object) -> float | None:
    """A limit as a number; zero and less mean none, and what is no number is for pytest-timeout to refuse."""
    with suppress(TypeError, ValueError):
        seconds = float(given)  # type: ignore[arg-type]
        return seconds if seconds > 0 else None
    return None
