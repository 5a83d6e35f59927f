"""The pool of a cluster: a lane per node, to which the session sends whole instances. Session side."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_qbench.cluster.connection import ClusterError, Connection
from pytest_qbench.cluster.orders import RemoteSpec
from pytest_qbench.cluster.remote import RemoteSupervisor
from pytest_qbench.cluster.roster import Roster
from pytest_qbench.lane import Lane, Programs, Traffic
from pytest_qbench.pool import Job, OpenGate, Pool
from pytest_qbench.report.text import count
from pytest_qbench.runner import Runner
from pytest_qbench.verify.reference import ReferenceCache

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_qbench.cluster.settings import DaskSettings
    from pytest_qbench.measure.messages import WorkerSpec
    from pytest_qbench.plan import Point
    from pytest_qbench.settings import Settings

_GIB = 2**30
_SHOWN = 4


class ClusterPool(Pool):
    """A pool whose lanes are on the nodes of a Dask cluster.

    All ladders of an instance go to one node, so that its backends can be compared. Building circuits and verifying
    counts stay in this process.
    """

    def __init__(
        self, settings: Settings, dask: DaskSettings, cache_dir: Path | None, jobs: Callable[[], Iterable[Job]]
    ) -> None:
        """Connect with the cluster, and make ready.

        Raises:
            ClusterError: it can't be used; the message says why and what to do.
        """
        self._connection = Connection(dask.address, settings.startup_timeout)
        try:
            self._roster = Roster(self._connection, settings.startup_timeout, share_hosts=dask.share_hosts)
        except BaseException:
            self._connection.close()
            raise
        lanes = range(len(self._roster))
        shared = Lane(
            references=ReferenceCache(cache_dir),
            programs=Programs(keep=len(lanes) + 1),
            is_alone=False,
        )
        runners = [
            Runner(
                settings,
                lane=replace(
                    shared,
                    make_supervisor=partial(self._supervisor, lane, settings, dask),
                    traffic=Traffic(),
                    unusable={},
                ),
            )
            for lane in lanes
        ]
        super().__init__(runners, jobs, OpenGate(), self._connection.stop, unit=instance_of)

    def _supervisor(self, lane: int, settings: Settings, dask: DaskSettings, spec: WorkerSpec) -> RemoteSupervisor:
        remote = RemoteSpec(
            target=spec.target,
            options=spec.options,
            threads=spec.threads or None,
            python=spec.python,
            memory_limit=spec.memory_limit,
            memory_share=dask.memory_share,
            startup_timeout=spec.startup_timeout,
        )
        return RemoteSupervisor(
            self._connection,
            self._roster,
            lane,
            remote,
            retries=max(1, settings.parallel.retries),
            share_hosts=dask.share_hosts,
        )

    def header_lines(self) -> list[str]:
        """The cluster and its nodes, for the header of the session."""
        workers = self._connection.known_nodes
        machines = {node.machine: node.host for node in workers}
        lines = [
            f"qbench: Dask cluster {self._connection.address}: {count(len(workers), 'worker')} on "
            f"{count(len(machines), 'machine')}, {count(len(self._roster), 'point')} at a time"
        ]
        for host in list(machines.values())[:_SHOWN]:
            lines.append(
                f"qbench: {host['name']}  {host['cpu']}, {count(host['cores'], 'core')}, "
                f"{host['memory'] / _GIB:.1f} GiB, {host['os']}"
            )
        if len(machines) > _SHOWN:
            lines.append(f"qbench: and {count(len(machines) - _SHOWN, 'machine')} more")
        kinds = len({host["fingerprint"] for host in machines.values()})
        if kinds > 1:
            lines.append(f"qbench: they are of {kinds} kinds; backends are compared within one kind only")
        return lines

    def close(self) -> None:
        """Stop what is measured, end the workers on every node, and leave the cluster."""
        self._connection.end_on_nodes()
        super().close()
        self._connection.close()


def instance_of(point: Point) -> Hashable:
    """What the ladders of an instance have in common, whatever their backend."""
    return point.instance.case.path, point.instance.case.name, point.instance.id


def open_cluster(
    settings: Settings, dask: DaskSettings, cache_dir: Path | None, jobs: Callable[[], Iterable[Job]]
) -> ClusterPool:
    """The pool of a cluster; the arguments are those of :class:`ClusterPool`.

    Raises:
        pytest.UsageError: it can't be used; the message says why and what to do.
    """
    try:
        return ClusterPool(settings, dask, cache_dir, jobs)
    except ClusterError as error:
        raise pytest.UsageError(f"--qbench-dask={dask.address}: {error}") from error
