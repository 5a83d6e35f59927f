"""The conformance tests find what can be wrong with an adapter: a right one, changed in one respect at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ADAPTER = """
from dataclasses import replace
from pytest_qbench.backends.aer import AerBackend
from pytest_qbench import Program

def without(program, *names):
    return replace(program, instructions=tuple(i for i in program.instructions if i.name not in names))

class Adapter(AerBackend):
    name = "changed"
"""

TESTS = """
from pytest_qbench.conformance import BackendConformance

class TestChanged(BackendConformance):
    spec = "changed"
"""

FAULTS = {
    "test_bits[classical bits go where the measurements say]": """
    def counts(self, result):
        return {key[::-1]: count for key, count in super().counts(result).items()}
""",
    "test_shots[1000]": """
    def run(self, prepared, shots, seed):
        return super().run(prepared, min(shots, 100), seed)
""",
    "test_seeds[static]": """
    def run(self, prepared, shots, seed):
        return super().run(prepared, shots, 7)
""",
    "test_seeds[dynamic]": """
    calls = 0
    def run(self, prepared, shots, seed):
        self.calls += 1
        return super().run(prepared, shots, seed % 1000 + self.calls)
""",
    "test_gate[sdg]": """
    def prepare(self, program):
        items = [replace(i, name="s") if i.name == "sdg" else i for i in program.instructions]
        return super().prepare(replace(program, instructions=tuple(items)))
""",
    "test_gate[crx]": """
    def capabilities(self):
        return replace(super().capabilities(), gates=super().capabilities().gates | {"crx"})
    def prepare(self, program):
        if any(i.name == "crx" for i in program.walk()):
            from pytest_qbench import UnsupportedError
            raise UnsupportedError("no crx")
        return super().prepare(program)
""",
    "test_claims_gates_that_exist": """
    def capabilities(self):
        return replace(super().capabilities(), gates=super().capabilities().gates | {"cnot"})
""",
    "test_an_unknown_gate_is_refused": """
    def prepare(self, program):
        return super().prepare(without(program, "no_such_gate"))
""",
    "test_dynamic[a condition with else]": """
    def prepare(self, program):
        items = [replace(i, blocks=i.blocks[:1]) if i.blocks else i for i in program.instructions]
        return super().prepare(replace(program, instructions=tuple(items)))
""",
    "test_noise[depolarizing]": """
    def prepare(self, program):
        from pytest_qbench.circuits.program import CHANNELS
        return super().prepare(without(program, *CHANNELS))
""",
    "test_noise_models[amplitude_damping]": """
    def prepare(self, program):
        doubled = {"amplitude_damping": 2}
        items = [
            replace(i, params=tuple(doubled.get(i.name, 1) * value for value in i.params)) for i in program.instructions
        ]
        return super().prepare(replace(program, instructions=tuple(items)))
""",
    "test_circuits_in_turn": """
    first = None
    def prepare(self, program):
        self.first = self.first or super().prepare(program)
        return self.first
""",
    "test_precisions": """
    def describe(self):
        return replace(super().describe(), precision="double")
""",
    "test_devices": """
    def capabilities(self):
        return replace(super().capabilities(), devices=("CPU", "QPU"))
""",
    "test_threads[1]": """
    def describe(self):
        return replace(super().describe(), threads=64)
""",
    "test_describes_itself": """
    def describe(self):
        return replace(super().describe(), versions={})
""",
    "test_is_registered_under_its_own_name": """
    name = "other"
""",
    "test_its_module_imports_no_simulator": """
    import numpy
""",
    "test_options": """
    from pytest_qbench import Option
    options = {**AerBackend.options, "speed": Option("high", "how fast", choices=("slow", "fast"))}
""",
}


NAMES = {test: f"fault{number}" for number, test in enumerate(FAULTS)}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one run says in which every changed adapter has to do the test that is to find the change."""
    folder = tmp_path_factory.mktemp("faults")
    registered = {name: f"{name}:Adapter" for name in NAMES.values()}
    (folder / "conftest.py").write_text(f"def pytest_qbench_backends(config):\n    return {registered!r}\n")
    for test, name in NAMES.items():
        (folder / f"{name}.py").write_text(ADAPTER.replace("changed", name) + FAULTS[test])
        (folder / f"test_{name}.py").write_text(TESTS.replace("changed", name))
    inherited = filter(None, [os.environ.get("PYTHONPATH")])
    ids = [f"test_{name}.py::TestChanged::{test}" for test, name in NAMES.items()]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
            "-rf",
            "--rootdir",
            folder,
            *ids,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *inherited]), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize("test", FAULTS)
def test_a_fault_is_found(said: str, test: str) -> None:
    assert f"FAILED test_{NAMES[test]}.py::TestChanged::{test}" in said, said


def test_a_failure_shows_the_circuit(said: str) -> None:
    assert (
        "fault0: classical bits go where the measurements say: 10 shots must give '110' (classical bit 0 rightmost), "
        "not {'011': 10}\ncircuit of 3 qubits and 3 classical bits:\n    x 0\n    x 1\n    measure 0 -> clbit 1\n"
    ) in said


def try_out(pytester: pytest.Pytester, change: str, *arguments: str, tests: str = TESTS) -> pytest.RunResult:
    pytester.makepyfile(changed=ADAPTER + change, test_changed=tests)
    pytester.makeconftest("def pytest_qbench_backends(config):\n    return {'changed': 'changed:Adapter'}\n")
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-rs", *arguments)


def test_a_simulator_without_a_seed_says_so(pytester: pytest.Pytester) -> None:
    tests = TESTS + '    unseeded = ("static", "dynamic", "noisy")\n'
    result = try_out(pytester, FAULTS["test_seeds[dynamic]"], "-k", "test_seeds", tests=tests)
    result.assert_outcomes(passed=3)


def test_an_unavailable_one_is_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    change = """
    def __init__(self, options, threads):
        import no_such_simulator
"""
    result = try_out(pytester, change, "-k", "test_bits")
    assert result.parseoutcomes().keys() <= {"skipped", "deselected"}
    result.stdout.fnmatch_lines(
        ["*changed is unavailable: No module named 'no_such_simulator'; pip install qiskit-aer"]
    )


def test_an_unknown_spec_is_an_error(pytester: pytest.Pytester) -> None:
    result = try_out(pytester, "    pass\n", "-k", "test_bits", tests=TESTS.replace('"changed"', '"chnged"'))
    result.stdout.fnmatch_lines(["*unknown backend 'chnged' (did you mean 'changed'?)*"])


def test_under_another_interpreter_all_runs_in_workers(pytester: pytest.Pytester) -> None:
    tests = TESTS.replace('"changed"', f'"aer[python={sys.executable}]"')
    selected = "test_bits or test_seeds or test_threads or test_options or else"
    result = try_out(pytester, "    pass\n", "-k", selected, tests=tests)
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] > 15
