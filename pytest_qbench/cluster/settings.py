"""What ``--qbench-dask`` and the options that belong to it ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

_ADDRESS = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?P<host>[^\s/:]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_SCHEMES = ("tcp", "tls", "ws", "wss", "ucx", "ucxx")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_DEFAULT_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class DaskSettings:
    """A cluster to measure on.

    ``share_hosts`` lets several Dask workers of one machine measure at once. ``memory_share`` of what is free on a node
    is the limit of a worker, where no limit in bytes was asked for.
    """

    address: str
    share_hosts: bool = False
    memory_share: float = _DEFAULT_SHARE


def read_dask(
    config: pytest.Config, values: Mapping[str, tuple[Any, str]], parsed: Callable[..., Any], gradients: bool
) -> DaskSettings | None:
    """The settings of the cluster; None where ``--qbench-dask`` is not given.

    Raises:
        pytest.UsageError: the address is malformed, something that it can't be combined with was asked for, or the
            package that it needs is missing.
    """
    address = parsed("dask", parse_address, None)
    if address is None:
        return None
    value, origin = values["dask"]
    given = f"{origin}={value}"
    if gradients:
        raise pytest.UsageError(f"{given}: gradient scenarios are measured on this machine only; leave it out")
    if hasattr(config, "workerinput") or getattr(config.option, "dist", "no") != "no":
        raise pytest.UsageError(f"{given} can't be combined with pytest-xdist: leave out -n")
    if parsed("parallel", str, "1") != "1":
        asked, asked_by = values["parallel"]
        raise pytest.UsageError(
            f"{given} can't be combined with {asked_by}={asked}: each node of the cluster measures one point at a "
            "time, all nodes at once (--qbench-share-hosts for more on one machine); add --qbench-parallel=1"
        )
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise pytest.UsageError(
            f"{given} needs the package distributed ({error}): pip install 'pytest-qbench[dask]'"
        ) from None
    return DaskSettings(address, bool(values["share-hosts"][0]), parsed("memory-limit", _share, _DEFAULT_SHARE))


def parse_address(text: str) -> str:
    """The address of a Dask scheduler; ``tcp://`` is added where there is no scheme.

    Raises:
        ValueError: it is none.
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not 0 < int(match["port"]) < 65536 or match["scheme"] not in (None, *_SCHEMES):
        raise ValueError("not the address of a Dask scheduler; write tcp://HOST:PORT, as 'dask scheduler' prints it")
    return text.strip() if match["scheme"] else f"tcp://{text.strip()}"


def is_share(text: str | None) -> bool:
    """Whether a memory limit is a share of what is free, which each node has to find out."""
    return not text or _SHARE.fullmatch(text.strip()) is not None


def _share(text: str) -> float:
    """The share in ``80%``; the default where the text is a size in bytes."""
    match = _SHARE.fullmatch(text.strip())
    return _DEFAULT_SHARE if match is None or not float(match[1]) else float(match[1]) / 100
