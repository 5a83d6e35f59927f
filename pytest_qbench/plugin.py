"""The pytest plugin as it is always loaded: its options, its fixtures, and what finds out that it is needed.

Everything else, :mod:`pytest_qbench.active`, is registered once a ``--qbench-*`` option, a case or the ``qbench``
fixture turns up. So this module imports nothing heavy, and in an ordinary test run its hooks do next to nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.options import add_options, refuse_misspelt
from pytest_qbench.settings import is_active

if TYPE_CHECKING:
    from pytest_qbench.active import ActivePlugin
    from pytest_qbench.backends.base import Backend
    from pytest_qbench.fixtures import Qbench
    from pytest_qbench.specs import BackendSpec

_ACTIVE = "qbench-active"


def activate(config: pytest.Config) -> ActivePlugin:
    """The hooks of a measuring session, registered on the first call."""
    plugin = config.pluginmanager.get_plugin(_ACTIVE)
    if plugin is None:
        from pytest_qbench.active import ActivePlugin

        plugin = ActivePlugin(config)
        config.pluginmanager.register(plugin, _ACTIVE)
    return plugin


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ``--qbench-*`` options and their ini keys."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks of ``hookspecs.py``."""
    from pytest_qbench.hookspecs import QbenchSpecs

    pluginmanager.add_hookspecs(QbenchSpecs)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str], parser: pytest.Parser
) -> Generator[None]:
    """Once the conftests have added their options: say which one of ours was meant by a misspelt one, and take up an
    earlier run."""
    yield
    if any(str(word).startswith("--qbench-ask") for word in args):
        _expand_sentence(early_config, args)
    refuse_misspelt(parser, args)
    if any(str(word).startswith("--qbench") for word in args):
        from pytest_qbench.resume_words import note_command

        note_command(early_config, args)


def _expand_sentence(config: pytest.Config, args: list[str]) -> None:
    """Put the options that ``--qbench-ask`` stands for on the command line."""
    from pytest_qbench.ask.option import ASKED, expand
    from pytest_qbench.backends.registry import known_backends

    asked = expand(args, config.invocation_params.args, known_backends(config))
    if asked is not None:
        config.stash[ASKED] = asked


def pytest_configure(config: pytest.Config) -> None:
    """Wake up when an option, or the id of an item of the built-in suite, asks for it."""
    config.addinivalue_line(
        "markers",
        "qbench(qubits=[...], shots=[...], depth=[...], noise=[...], noise_model=[...]): a simulator benchmark (set on "
        "every point); with values, on a case or a module of cases: what to measure",
    )
    wanted = is_active(config) or any(argument.startswith("qbench::") for argument in config.args)
    if wanted and not config.option.help:
        activate(config).start()


@pytest.hookimpl(tryfirst=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect case files; of a session without options, a QASM file that the command line names."""
    config = parent.config
    if config.pluginmanager.hasplugin(_ACTIVE) or (
        file_path.suffix == ".qasm" and parent.session.isinitpath(file_path)
    ):
        return activate(config).make_collector(file_path, parent)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> Any:
    """Turn a case into its points."""
    # No module of cases was imported where pytest_qbench.cases was not.
    cases = sys.modules.get("pytest_qbench.cases")
    if cases is None or not isinstance(obj, cases.CircuitCase):
        return None
    return activate(collector.config).make_items(collector, name, obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a case's function over its points, and a test with ``qbench`` over the backends."""
    if hasattr(metafunc.function, "__qbench_points__") or "_qbench_spec" in metafunc.fixturenames:
        activate(metafunc.config).parametrize(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Wake up in an xdist controller, which collects nothing, when the first result arrives."""
    node = getattr(report, "node", None)
    if node is None or node.config.pluginmanager.hasplugin(_ACTIVE):
        return
    from pytest_qbench.outcome import REPORT_KEY

    if hasattr(report, REPORT_KEY):
        activate(node.config).pytest_runtest_logreport(report)  # a hook registered now misses this call


@pytest.fixture
def _qbench_spec(request: pytest.FixtureRequest) -> BackendSpec:
    """The backend spec of a parametrized test."""
    if not hasattr(request, "param"):
        pytest.fail(
            "a test that measures must name qbench or qbench_backend as an argument (its own or a fixture's): "
            "asked for while it runs, there is no backend for it",
            pytrace=False,
        )
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def qbench(request: pytest.FixtureRequest, _qbench_spec: BackendSpec) -> Qbench:
    """Measure a circuit on the chosen backend: ``qbench(circuit, expected={"00": 0.5, "11": 0.5})``."""
    from pytest_qbench.fixtures import make_qbench

    return make_qbench(request, _qbench_spec)


@pytest.fixture
def qbench_backend(request: pytest.FixtureRequest, _qbench_spec: BackendSpec) -> Iterator[Backend]:
    """The adapter of the chosen backend, in this process; skips where its simulator is missing."""
    from pytest_qbench.fixtures import open_backend

    yield from open_backend(request.config, _qbench_spec)


@pytest.fixture
def qbench_aer(request: pytest.FixtureRequest) -> Any:
    """An ``AerSimulator`` seeded with the session's seed."""
    from pytest_qbench.fixtures import make_aer

    return make_aer(request.config)


@pytest.fixture
def qbench_gpu() -> Any:
    """The first CUDA device as a ``torch.device``; skips with the reason where there is none."""
    from pytest_qbench.fixtures import find_gpu

    return find_gpu()


@pytest.fixture
def qbench_device() -> Callable[..., Any]:
    """Makes the best PennyLane device there is: lightning.gpu, lightning.qubit, else default.qubit.

    Call it as ``qbench_device(wires, **options)``.
    """
    from pytest_qbench.fixtures import best_pennylane_device

    return best_pennylane_device()
