"""One cluster for all tests that do it no harm: to start one takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local_cluster import local_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A scheduler and two worker processes; to be left as they are."""
    pytest.importorskip("distributed", reason="distributed is not installed: pip install 'pytest-qbench[dask]'")
    with local_cluster() as running:
        yield running
