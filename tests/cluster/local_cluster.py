"""A Dask cluster of two worker processes on this machine, for the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FAULTY = Path(__file__).parent.parent / "measure"


@contextmanager
def local_cluster(n_workers: int = 2, **options: Any) -> Iterator[Any]:
    """A ``LocalCluster`` whose workers find the backends of the tests; ``options`` are passed on."""
    from distributed import LocalCluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(FAULTY), *sys.path])  # the worker processes start with the same
        with LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL", **options
        ) as cluster:
            yield cluster


def worker_pids(cluster: Any) -> dict[str, int]:
    """Address -> process id of the Dask workers."""
    with cluster.get_client() as client:
        return dict(client.run(os.getpid))


@contextmanager
def own_worker(address: str, *folders: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Dask worker that nothing starts again, as ``dask worker`` starts it; ``folders`` are the first on its path."""
    path = [*map(str, folders), str(FAULTY), *filter(None, [os.environ.get("PYTHONPATH")])]
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--no-dashboard"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
