"""Which backends there are: entry points of the group ``pytest_qbench.backends``, plus a session's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from pytest_qbench.backends.base import Backend

if TYPE_CHECKING:
    import pytest

GROUP = "pytest_qbench.backends"


class BackendLoadError(Exception):
    """An adapter is registered but can't be imported, or is not one."""


@cache
def installed_backends() -> Mapping[str, str]:
    """Backend name -> ``module:Class``, of every installed package; nothing is imported."""
    return {point.name: point.value for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def known_backends(config: pytest.Config) -> dict[str, str]:
    """Backend name -> ``module:Class``: installed ones and those of ``pytest_qbench_backends`` hooks."""
    known = dict(installed_backends())
    for registered in config.hook.pytest_qbench_backends(config=config):
        for name, backend in registered.items():
            known[name] = backend if isinstance(backend, str) else f"{backend.__module__}:{backend.__qualname__}"
    return known


def load_backend(name: str, target: str) -> type[Backend]:
    """Import the adapter class ``target`` (``module:Class``), which does not import its simulator.

    Raises:
        BackendLoadError: it can't be imported or is no subclass of :class:`Backend`.
    """
    module_name, _, class_name = target.partition(":")
    try:
        adapter = getattr(import_module(module_name), class_name)
    except Exception as error:  # a third party's module may raise anything
        raise BackendLoadError(f"backend {name!r}: cannot import {target}: {error}") from error
    if not (isinstance(adapter, type) and issubclass(adapter, Backend)):
        raise BackendLoadError(f"backend {name!r}: {target} is not a subclass of pytest_qbench.Backend")
    return adapter
