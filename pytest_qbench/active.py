"""The pytest hooks of a session that measures: each a few lines that call a room below."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench import collection, listing, markers, outcome
from pytest_qbench.circuit_names import names, unmatched
from pytest_qbench.fixtures import feed_benchmark, parametrize_backends, silence_benchmark
from pytest_qbench.gc_pause import GcPause
from pytest_qbench.header import backend_list, controller_lines, intentions, plan_lines
from pytest_qbench.live import LiveLine
from pytest_qbench.markers import read_marks
from pytest_qbench.options import was_given
from pytest_qbench.plan import plan_instances
from pytest_qbench.scheduling import ladder_of, ladder_scheduler
from pytest_qbench.session import DEADLINE, RESULT, SESSION, QbenchSession, is_xdist_controller, is_xdist_worker
from pytest_qbench.settings import WORKER_INPUT
from pytest_qbench.user_code import place

if TYPE_CHECKING:
    from pytest_qbench.cases import CircuitCase


class ActivePlugin:
    """One per session; ``session`` holds the state."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.session = config.stash[SESSION] = QbenchSession(config)
        self._live: LiveLine | None = None
        self._wanted_ids: list[str] = []
        self._notes: list[str] = []
        """Lines on what was collected in place of what."""
        self._has_builtin = False
        self._is_refused = False
        """Whether a usage error was found once all cases were seen."""
        self._own_names: frozenset[str] = frozenset()
        """The project's own cases, once they are collected."""
        self._shown_faults: dict[tuple[str, str], str] = {}
        self._no_paths = config.args_source is not pytest.Config.ArgsSource.ARGS

    def start(self) -> None:
        """The command line asks for benchmarks: check every setting, and have the case files collected."""
        self.session.earlier  # noqa: B018 (a run that can't be gone on with ends it here)
        collection.add_case_arguments(self.config, self.session.case_roots)
        self._wanted_ids = collection.take_own_ids(self.config)
        self.config.pluginmanager.register(GcPause())
        if hasattr(self.config.option, "benchmark_columns") and not was_given(self.config, "--benchmark-columns"):
            # The ten columns of pytest-benchmark's default take 200 characters a line, hundreds of lines long.
            self.config.option.benchmark_columns = ["min", "median", "iqr", "rounds"]

    # Collection

    def make_items(self, collector: pytest.Collector, name: str, case: Any) -> list[pytest.Item]:
        """The items of a case found in a module; a case imported from elsewhere gives none."""
        if not collection.belongs_to(case, collector, name):
            return []
        try:
            settings = self.session.settings
        except pytest.UsageError as error:  # a wrong ini key, in a run without options
            raise pytest.Collector.CollectError(str(error)) from None
        if self._is_own_instead(collector, case):
            return []
        try:
            case.marked = read_marks([*case.pytestmark[::-1], *collector.iter_markers(markers.NAME)])
            collection.refuse_unfit_marks(case)
        except ValueError as error:
            raise pytest.Collector.CollectError(f"{place(case.path, case.line)}: {case.name}: {error}") from None
        self.session.register_case(case)
        return collection.items_of(collector, case, settings, self._run)

    def _is_own_instead(self, collector: pytest.Collector, case: CircuitCase) -> bool:
        """Whether a built-in case is named by ``--qbench-circuits`` only where a case of the project is meant."""
        settings = self.session.settings
        if collector.nodeid != collection.BUILTIN_NODEID or settings.case_sources:
            return False
        words = [word for word in settings.circuits if names(word, case.name)]
        return bool(words) and not unmatched(words, self._own_names)

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Points for a case's function, backends for a test with the ``qbench`` fixture."""
        if not collection.parametrize(metafunc):
            parametrize_backends(metafunc)

    def make_collector(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The collector of a case file that pytest would not collect itself."""
        settings = self.session.settings
        return collection.collect_file(file_path, parent, self.session.case_roots, settings.active)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
        """A case file that is named on the command line, which pytest collects itself."""
        in_roots = any(module_path.is_relative_to(root) for root in self.session.case_roots)
        return collection.CaseFile.from_parent(parent, path=module_path) if in_roots else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Lead to the case folders that were named, also where ``norecursedirs`` would stop: ``.cases``, ``build``."""
        roots = self.session.case_roots if self.session.settings.case_sources and self._no_paths else ()
        return False if any(root.is_relative_to(collection_path) for root in roots) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool | None:
        """``--qbench-list-backends`` collects nothing."""
        if not self.session.settings.list_backends:
            return None
        session.items = []
        terminal: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        for line in backend_list(self.session):
            terminal.write_line(line)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Add the built-in suite, leave out what is no benchmark, sort, and connect to pytest-benchmark."""
        settings = self.session.settings
        if settings.active and self._no_paths:
            own = self.session.has_own_cases
            self._own_names = frozenset(case.name for case in self.session.cases)
            missing = self.session.unmatched_circuits()
            if missing and own and not settings.case_sources:
                own = False
                self._notes += listing.taken_from_builtin(missing, self.session.case_places)
            elif not settings.circuits and self.session.wants_other_cases:
                own = False
                self._notes += listing.instead_of_own(self.session.cases, settings, self.session.case_places)
            self._has_builtin = collection.takes_builtin(settings, own)
            modules = collection.own_modules(session, settings, own)
            for module in modules:
                items.extend(session.genitems(module))
            wanted = collection.is_point if settings.circuits else collection.is_benchmark
            others = [item for item in items if not wanted(item)]
            if others:
                config.hook.pytest_deselected(items=others)
                items[:] = [item for item in items if wanted(item)]
        elif self._wanted_ids:
            modules = collection.own_modules(session, settings, found_cases=False)
            items.extend(
                collection.chosen(self._wanted_ids, [i for module in modules for i in session.genitems(module)])
            )
        if not (session.testsfailed or getattr(config.option, "lf", False)):  # else there are cases unseen
            try:
                listing.refuse_unknown_circuits(self.session.cases, settings)
                listing.refuse_unknown_observables(self.session.cases, settings)
            except pytest.UsageError:
                items.clear()
                self._is_refused = True
                raise
        left_out = self.session.leave_out(items)
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        items[:] = collection.in_plan_order(items)
        collection.connect_benchmark(config, items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The items are final: make the record before anything is measured."""
        if self.session.measures:
            self.session.plan(session.items)
        earlier = self.session.earlier
        runs = any(collection.is_benchmark(item) for item in session.items)
        if self.session.will_record and (runs or (earlier is not None and not earlier.nothing_left)):
            self.session.open_record()

    def pytest_report_header(self) -> list[str]:
        """Name the backends where nothing is collected: in an xdist controller."""
        session = self.session
        if is_xdist_controller(self.config) and session.settings.active and session.measures:
            return intentions(session) + controller_lines(session)
        return []

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """Name the backends with their versions and devices, and the size of the plan."""
        session = self.session
        if self._is_refused:  # pytest finishes the collection all the same: no simulator is to be started for it
            return []
        nothing = listing.nothing_selected(session.cases, session.settings, session.case_places, self._has_builtin)
        if session.settings.list_cases:
            selected = any(plan_instances(case, session.settings) for case in session.cases)
            table = listing.case_table(session.cases, session.settings) if selected or not nothing else nothing
            return intentions(session) + self._notes + table
        if session.earlier is not None:
            self._notes, nothing = [*self._notes, *session.earlier.lines()], []
        lines = self._notes + listing.unmatched_sizes(session.cases, session.settings)
        lines += listing.unmatched_depths(session.cases, session.settings)
        points = [item.stash[collection.POINT] for item in items if collection.POINT in item.stash]
        if points:
            lines = plan_lines(session, points) + lines
        if not any(collection.is_benchmark(item) for item in items):
            lines += nothing
        return intentions(session) + lines

    # Running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool | None:
        """``--qbench-list-cases`` runs nothing."""
        return True if self.session.settings.list_cases else None

    def _run(self, request: pytest.FixtureRequest) -> None:
        """The body of a point's item."""
        item = request.node
        try:
            result = self.session.run_point(item)
        except BaseException:  # Ctrl-C: there will be no report in which to note that nothing was fed
            silence_benchmark(item)
            raise
        feed_benchmark(item, result)
        outcome.conclude(result, self.session.settings.strict, self._shown_faults)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the result on the report of the call, or of a set-up that ended the item (a fixture may measure)."""
        result = item.stash.get(RESULT, None)
        decisive = call.when == "call" or (call.when == "setup" and call.excinfo is not None)
        if decisive and result is not None:
            outcome.note_properties(item, result)
        report = yield
        if decisive and result is not None:
            outcome.attach(report, result, self.session.unsent_plan())
        if decisive and (result is None or not report.passed) and collection.is_benchmark(item):
            silence_benchmark(item)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result into the record: here, or in the xdist controller."""
        if self._live is not None and (report.when == "call" or not report.passed):
            self._live.pause()
        result = outcome.result_of(report)
        if result is not None and not is_xdist_worker(self.config):
            self.session.record(result, outcome.plan_of(report))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """ABORT, UNSUPPORTED and UNAVAILABLE have a letter, a word and a colour of their own."""
        status = outcome.report_status(report)
        return self._live.quiet(report, status) if self._live is not None else status

    # pytest-timeout

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """Hand pytest-timeout's deadline to the supervisor, which can stop what runs inside C++."""
        if not collection.is_benchmark(item):
            return None
        item.stash[DEADLINE] = float(settings.timeout)
        return True

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> bool | None:
        """No timer was set."""
        return True if collection.is_benchmark(item) else None

    # xdist

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keep the points of a ladder on one xdist worker."""
        if config.getvalue("dist") not in ("load", "worksteal"):
            return None
        return ladder_scheduler(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The workers all collect the same: so many points will be measured."""
        self.session.announced = sum(ladder_of(nodeid) != nodeid for nodeid in ids)
        earlier = self.session.earlier
        if (self.session.announced or (earlier is not None and ids)) and self.session.will_record:
            if earlier is not None:
                earlier.settle(ids)
            self.session.tests = [nodeid for nodeid in ids if ladder_of(nodeid) == nodeid]
            self.session.open_record()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker which backends ``all`` stands for: asking for each once is enough."""
        if self.session.settings.gradients is None:
            node.workerinput[WORKER_INPUT] = [spec.text for spec in self.session.settings.backends]

    # The terminal

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """One live status line on a terminal."""
        self._live = LiveLine.on(self.config, self.session)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show what runs now."""
        if self._live is not None:
            self._live.show(nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """Status counts, slowest cases, and backends side by side; last, also where another plugin's part raises."""
        try:
            yield
        finally:
            if self.session.has_record and self.session.recorder.done:
                terminalreporter.section("quantum simulator benchmarks")
                for text, markup in self.session.summary(self.config.get_terminal_writer().fullwidth):
                    terminalreporter.write_line(text, **markup)

    # The end

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """End the workers and complete the record; a session in which no point passed has failed."""
        if self._live is not None:
            self._live.close()
            self._live = None  # the summary that follows wants the letters and words
        if self.session.settings.list_backends and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK
        self.session.close(
            interrupted=exitstatus == pytest.ExitCode.INTERRUPTED or bool(session.shouldstop),
            cut_short=bool(session.shouldfail),
        )
        if self.session.has_record or self.session.earlier is not None:
            session.exitstatus = self.session.exit_status(int(exitstatus))

    def pytest_unconfigure(self) -> None:
        """Whatever happened, no worker stays."""
        self.session.close(interrupted=True)
