"""Hooks that a conftest or another plugin may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_qbench.backends.base import Backend
    from pytest_qbench.results import PointResult


class QbenchSpecs:
    """The hooks of pytest-qbench."""

    @pytest.hookspec
    def pytest_qbench_backends(self, config: pytest.Config) -> Mapping[str, type[Backend] | str]:  # type: ignore[empty-body]
        """Return further backends: name -> adapter class, or ``module:Class``.

        The worker imports the class by its module's name, so the module must be importable there. Packages rather
        register under the entry-point group ``pytest_qbench.backends``.
        """

    @pytest.hookspec
    def pytest_qbench_point(self, config: pytest.Config, result: PointResult) -> None:
        """A point has its verdict. Called once per point, in the process that writes the record."""

    @pytest.hookspec
    def pytest_qbench_row(self, config: pytest.Config, row: Mapping[str, Any]) -> None:
        """A row was written to ``results.jsonl`` and flushed. Called when the ladder of an instance ends."""
