"""The garbage collector rests while pytest collects."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest


class GcPause:
    """Hooks for a session that may have very many items.

    They are alive to the end of the session, but with every quarter more of them the collector goes through all again:
    with 100 000 items that takes longer than to make them.
    """

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Around the whole collection; a collector that was off already stays off."""
        was_on = gc.isenabled()
        gc.disable()
        try:
            return (yield)
        finally:
            if was_on:
                gc.enable()
