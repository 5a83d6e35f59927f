"""Points as pytest items: which files are collected, what items they give, and in which order they run."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench import sources
from pytest_qbench.cases import CircuitCase
from pytest_qbench.plan import Point, plan_points
from pytest_qbench.replay import ReplayClock
from pytest_qbench.user_code import syntax_error_text

if TYPE_CHECKING:
    from pytest_qbench.settings import Settings

POINT = pytest.StashKey[Point]()
CLOCK = pytest.StashKey[ReplayClock]()

BUILTIN_NODEID = "qbench"
"""Items of the built-in suite and of MQT Bench are called ``qbench::ghz_state[...]``."""


class CaseModule(pytest.Module):
    """A file of cases that pytest does not import itself: QASM, the built-in suite, MQT Bench."""

    loader: Callable[[], ModuleType]

    @classmethod
    def of(
        cls, parent: pytest.Collector, path: Path, loader: Callable[[], ModuleType], nodeid: str | None = None
    ) -> CaseModule:
        """Make the node; ``loader`` gives the module when it is collected."""
        named: dict[str, Any] = {} if nodeid is None else {"nodeid": nodeid}
        node: CaseModule = cls.from_parent(parent, path=path, **named)
        node.loader = loader
        return node

    def _getobj(self) -> ModuleType:
        return self.loader()


class CaseFile(pytest.Module):
    """A Python file of cases, which pytest imports."""

    def _getobj(self) -> ModuleType:
        try:
            module: ModuleType = super()._getobj()  # type: ignore[no-untyped-call]
        except self.CollectError as error:
            if isinstance(error.__cause__, SyntaxError):  # pytest shows how it came to import the file
                raise self.CollectError(syntax_error_text(error.__cause__)) from None
            raise
        return module


def case_roots(config: pytest.Config, settings: Settings) -> list[Path]:
    """The files and folders of cases of this session that exist: those named, or ``cases/`` under the rootdir."""
    named = [name for name in settings.case_sources if name != sources.BUILTIN and not _is_mqt(name)]
    base = config.rootpath if config.option.qbench_cases is None else config.invocation_params.dir  # as pytest has it
    paths = [base / name for name in named]
    paths = [path if path.exists() else config.rootpath / name for path, name in zip(paths, named, strict=True)]
    for path, name in zip(paths, named, strict=True):
        if not path.exists():
            raise pytest.UsageError(
                f"{settings.case_origin}={name}: no such file or folder (nor 'builtin' nor 'mqt:FAMILY')"
            )
    if not settings.case_sources and (default := config.rootpath / sources.DEFAULT_FOLDER).is_dir():
        paths.append(default)
    return paths


def add_case_arguments(config: pytest.Config, roots: Iterable[Path]) -> None:
    """With no path on the command line, let pytest collect the case files beside its own test paths."""
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return
    collected = [Path(str(config.invocation_params.dir / argument.split("::")[0])) for argument in config.args]
    for root in roots:
        if not any(root.is_relative_to(path) for path in collected):
            config.args.append(str(root))


def collect_file(
    file_path: Path, parent: pytest.Collector, roots: Sequence[Path], active: bool
) -> pytest.Collector | None:
    """The collector of a case file, or None for any other file.

    A case file is one under the case folders of an active session, or a QASM file named on the command line.
    """
    named = parent.session.isinitpath(file_path)
    wanted = active and any(file_path.is_relative_to(root) for root in roots)
    if not sources.is_case_file(file_path) or not (named or wanted):
        return None
    if file_path.suffix == ".qasm":
        return CaseModule.of(parent, file_path, lambda: sources.qasm_module(file_path))
    # pytest itself collects a Python file that is named, or whose name is that of a test file.
    patterns = parent.config.getini("python_files")
    if named or any(file_path.match(pattern) for pattern in patterns):
        return None
    module: pytest.Module = CaseFile.from_parent(parent, path=file_path)
    return module


def takes_builtin(settings: Settings, found_cases: bool) -> bool:
    """Whether the built-in suite is measured: where it is named, or where there is nothing else."""
    return sources.BUILTIN in settings.case_sources or not (settings.case_sources or found_cases)


def own_modules(session: pytest.Session, settings: Settings, found_cases: bool) -> list[CaseModule]:
    """The nodes of what no path leads to: the built-in suite (where there are no case files) and MQT Bench.

    Raises:
        pytest.UsageError: MQT Bench is missing or has no such family.
    """
    modules = []
    if takes_builtin(settings, found_cases):
        for path in sources.case_files(sources.builtin_root()):
            load = sources.qasm_module if path.suffix == ".qasm" else sources.load_module
            modules.append(CaseModule.of(session, path, lambda load=load, path=path: load(path), BUILTIN_NODEID))  # type: ignore[misc]
    for name in filter(_is_mqt, settings.case_sources):
        family = name.removeprefix(sources.MQT_PREFIX)
        try:
            module = sources.mqt_module(family)
        except sources.SourceError as error:
            raise pytest.UsageError(f"{settings.case_origin}={name}: {error}") from error
        path = Path(sources.__file__)
        modules.append(CaseModule.of(session, path, lambda module=module: module, BUILTIN_NODEID))  # type: ignore[misc]
    return modules


def take_own_ids(config: pytest.Config) -> list[str]:
    """Take the ids of items that have no file, such as ``qbench::qft[aer-q4-s10]``, off pytest's arguments."""
    prefix = f"{BUILTIN_NODEID}::"
    own = [argument for argument in config.args if argument.startswith(prefix)]
    config.args[:] = [argument for argument in config.args if not argument.startswith(prefix)]
    return own


def chosen(ids: Sequence[str], items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The items that ``ids`` name, whole or as a case (``qbench::qft``).

    Raises:
        pytest.UsageError: an id names none.
    """
    found: dict[str, list[pytest.Item]] = {wanted: [] for wanted in ids}
    for item in items:
        for wanted in {item.nodeid, item.nodeid.partition("[")[0]} & found.keys():
            found[wanted].append(item)
    for wanted, its_items in found.items():
        if not its_items:
            raise pytest.UsageError(
                f"{wanted}: no such item with the backends, suite and shots that are chosen (see --qbench-list-cases)"
            )
    return list(dict.fromkeys(item for its_items in found.values() for item in its_items))


def _is_mqt(name: str) -> bool:
    return name.startswith(sources.MQT_PREFIX)


def belongs_to(case: CircuitCase, collector: pytest.Collector, name: str) -> bool:
    """Whether the case is the collected module's own, and ``name`` the first that it has there.

    One that the module imports is collected elsewhere. But a case that a function of another module made is not
    found in that module, and so it belongs where it is.
    """
    if not isinstance(collector, pytest.Module):
        return False
    if next(key for key, value in vars(collector.obj).items() if value is case) != name:
        return False
    written_in = case.builder.__module__
    if isinstance(collector, CaseModule) or written_in == collector.obj.__name__ or written_in not in sys.modules:
        return True
    return not any(value is case for value in vars(sys.modules[written_in]).values())


def items_of(
    collector: pytest.Collector, case: CircuitCase, settings: Settings, run: Callable[..., None]
) -> list[pytest.Item]:
    """The items of a case in a module; ``run`` is called with the item's ``request`` when one runs."""
    points = plan_points(case, settings)
    if not points:
        return []
    # pytest looks for an item's function, with its marks, in the module by the name in the item's id.
    vars(collector.obj).setdefault(case.name, case)  # type: ignore[attr-defined]
    function = _function(points, collector.config, run)
    function.__qbench_points__ = points  # type: ignore[attr-defined]
    # The same call that pytest's own collection of a test function makes: it goes through
    # pytest_generate_tests, so that the items have fixtures, parameters and marks like any others.
    items: list[pytest.Item] = list(
        collector._genfunctions(  # type: ignore[attr-defined]
            case.name, function
        )
    )
    for item, point in zip(items, points, strict=True):
        item.stash[POINT] = point
        item.obj = function  # type: ignore[attr-defined]  # pytest would look the name up in the module, and find the case
        for tag in ("qbench", *sorted(case.tags)):
            item.add_marker(tag)
    return items


def parametrize(metafunc: pytest.Metafunc) -> bool:
    """Give the function of a case its points as parameters; False for any other function."""
    points: list[Point] | None = getattr(metafunc.function, "__qbench_points__", None)
    if points is None:
        return False
    names = _parameter_names(points)
    values = [[point.parameters.get(name) for name in names] for point in points]
    metafunc.parametrize(names, values, ids=[point.id for point in points])
    return True


def _parameter_names(points: Iterable[Point]) -> list[str]:
    """The names of all parameters; points without noise have no parameter of that name."""
    return list(dict.fromkeys(name for point in points for name in point.parameters))


def _function(points: Sequence[Point], config: pytest.Config, run: Callable[..., None]) -> Callable[..., None]:
    """A test function for the case of ``points``. Its parameters are those of the points, so that
    ``--benchmark-group-by`` and the JSON of pytest-benchmark know them."""

    def measure(request: pytest.FixtureRequest, **_: Any) -> None:
        run(request)

    case = points[0].instance.case
    fixtures = ["request", *(["benchmark"] if config.pluginmanager.hasplugin("benchmark") else [])]
    names = [*fixtures, *_parameter_names(points)]
    kind = inspect.Parameter.KEYWORD_ONLY
    measure.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    measure.__wrapped__ = case.builder  # type: ignore[attr-defined]  # pytest reports its file and line
    measure.__name__ = measure.__qualname__ = case.name
    measure.__doc__ = case.builder.__doc__
    return measure


def connect_benchmark(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Make the ``benchmark`` fixture of every benchmark item read a clock that replays the measured rounds."""
    plugins = config.pluginmanager
    # pytest-codspeed brings a ``benchmark`` fixture of its own, which refuses ``timer=``.
    if not plugins.hasplugin("benchmark") or getattr(config.option, "codspeed", False):
        return
    for item in items:
        if POINT in item.stash:
            _replay_through_benchmark(item, item.stash[POINT].instance.case.name)
        elif is_benchmark(item):
            fixtures: list[str] = item.fixturenames  # type: ignore[attr-defined]
            if "benchmark" in fixtures:
                continue  # the test times something itself, by the real clock
            # So that --benchmark-only keeps it. A new list: the items of a parametrized test share theirs.
            item.fixturenames = [*fixtures, "benchmark"]  # type: ignore[attr-defined]
            _replay_through_benchmark(item, getattr(item, "originalname", item.name))


def _replay_through_benchmark(item: pytest.Item, group: str) -> None:
    clock = ReplayClock()
    item.stash[CLOCK] = clock
    own = item.get_closest_marker("benchmark")
    # A marker of the user's would shadow ours whole: merge them, and let theirs win but for the timer.
    merged = {"group": group, **(own.kwargs if own else {}), "timer": clock}
    item.add_marker(pytest.mark.benchmark(**merged), append=False)


def in_plan_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Points by size, then as planned, each ladder in one piece; other items after them, in their own order."""
    points = [item for item in items if POINT in item.stash]
    others = [item for item in items if POINT not in item.stash]
    return sorted(points, key=lambda item: item.stash[POINT].instance.n_qubits) + others


def is_benchmark(item: pytest.Item) -> bool:
    """Whether the item measures a simulator: a point, or a test that uses the ``qbench`` fixture."""
    return POINT in item.stash or "qbench" in getattr(item, "fixturenames", ())
