"""Sentences and the options that they stand for."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pytest_qbench.ask.grammar import FORMS, AskError, command_words, parse
from pytest_qbench.ask.names import Names
from pytest_qbench.backends.registry import installed_backends
from pytest_qbench.sources import builtin_case_names

SENTENCES = {
    "benchmark all backends on GHZ 10 qubits": "backend=all circuits=ghz qubits=10",
    "compare Cirq and Qiskit on random circuits 4 to 16 qubits": "backend=cirq backend=aer circuits=random qubits=4:16",
    "run scalability test for stim": "backend=stim circuits=ghz,qft,random qubits=4:20:2 shots=1000",
    "scalability test from 4 to 24 qubits": "circuits=ghz,qft,random qubits=4:24:2 shots=1000",
    "benchmark with noise 0.01 and 0.05": "noise=0.01,0.05",
    "compare GPU vs CPU on Qiskit Aer": "backend=aer[device=gpu] backend=aer[device=cpu]",
    "run everything at 20 qubits": "backend=all qubits=20",
    "run Cirq, stim and native at the same time on 10 qubits GHZ": (
        "backend=cirq backend=stim backend=native circuits=ghz qubits=10 parallel=auto"
    ),
    "benchmark Cirq vs qsim on random depth 50": "backend=cirq backend=qsim circuits=random depth=50",
    "run parallel benchmark all backends 16 qubits": "backend=all qubits=16 parallel=auto",
    "sweep circuit types: ghz, qft, random": "circuits=ghz,qft,random",
    "rerun failed benchmarks from last run": "rerun-failed=latest",
}
"""The forms that a user was promised."""

VARIANTS = {
    "Compare cirq & qiskit-aer.": "backend=cirq backend=aer",
    "lightning.qubit against Lightning Kokkos, LRET phase7 and PennyLane": (
        "backend=lightning.qubit backend=lightning.kokkos backend=lret-phase7 backend=default.qubit"
    ),
    "aer[method=matrix_product_state, seed=7] vs native[precision=single]": (
        "backend=aer[method=matrix_product_state, seed=7] backend=native[precision=single]"
    ),
    "Qiskit Aer[precision=single] on the GPU": "backend=aer[precision=single,device=gpu]",
    "GPU vs CPU": "backend=native[device=gpu] backend=native[device=cpu]",
    "run everything on cirq with 100 and 1000 shots": "backend=cirq shots=100,1000",
    "a 10-qubit GHZ state, quantum volume and real_grovers": "circuits=ghz_state,quantum_volume,real_grovers qubits=10",
    "my_own_case at 4, 8 and 12 qubits": "circuits=my_own_case qubits=4,8,12",
    "4-16 qubits in steps of 4, shots: 1000": "qubits=4:16:4 shots=1000",
    "from 4 to 16 by 2 qubits": "qubits=4:16:2",
    "qubits 4:20:2": "qubits=4:20:2",
    "scalability test of w from 5 to 9 qubits in steps of 1": "circuits=w qubits=5:9:1 shots=1000",
    "depth 10 and 20 qubits": "qubits=20 depth=10",
    "depths 10, 20 and 30 on 8 qubits": "qubits=8 depth=10,20,30",
    "noise 0.01 and 0.05, 10 qubits": "qubits=10 noise=0.01,0.05",
    "1% depolarizing noise on GHZ": "circuits=ghz noise-model=depolarizing noise=0.01",
    "amplitude damping and readout noise 0, 0.02": "noise-model=amplitude_damping,readout noise=0,0.02",
    "noise of strength 2.5 % for bell": "circuits=bell noise=0.025",
    "all simulators, 4 at the same time": "backend=all parallel=4",
    "re-run the failed points": "rerun-failed=latest",
}


@pytest.fixture(scope="module")
def names() -> Names:
    return Names(installed_backends(), builtin_case_names())


@pytest.mark.parametrize(("sentence", "options"), [*SENTENCES.items(), *VARIANTS.items()])
def test_a_sentence_stands_for_options(names: Names, sentence: str, options: str) -> None:
    expected = "--qbench-" + options.replace(", ", ",").replace(" ", " --qbench-")
    words = command_words(parse(sentence, names))
    assert " ".join(words).replace(", ", ",") == expected


@pytest.mark.parametrize(("sentence", "options"), [*SENTENCES.items(), *VARIANTS.items()])
def test_small_and_capital_letters_are_the_same(names: Names, sentence: str, options: str) -> None:
    words = command_words(parse(sentence.upper(), names))
    assert " ".join(words).lower() == " ".join(command_words(parse(sentence, names))).lower()


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("", "this names nothing to measure"),
        ("benchmark", "this names nothing to measure"),
        ("compare Cirk and Qiskit", "'Cirk' is not understood (did you mean 'cirq'?): compare >>Cirk<< and Qiskit"),
        ("compare cirq-core and aerial", "'cirq-core' is not understood"),
        ("run on -4 qubits", "'-4' is not understood"),
        ("run 4.5 qubits", "4.5 of what?"),
        ("run 10", "10 of what?"),
        ("0 qubits", "qubits: every number must be at least 1"),
        ("16 to 4 qubits", "qubits: the range '16:4' is empty"),
        ("4, 8 qubits in steps of 2", "steps go with a range"),
        ("4 qubits on cirq against 8 qubits on aer", "qubits: said twice"),
        ("depth 10, 4 and 8 qubits", "depth needs numbers, apart from those of other things"),
        ("ghz with noise", "how strong? Write noise 0.01: ghz with >>noise<<"),
        ("amplitude damping on ghz", "how strong?"),
        ("noise 5", "how strong?"),
        ("all backends and cirq", "both all backends and cirq"),
        ("GPU vs CPU on cirq", "cirq can't be told to use the GPU"),
        ("everything on GPU", "all can't be told to use the GPU"),
        ("make me a sandwich", "'make' is not understood"),
    ],
)
def test_what_is_not_understood_is_an_error_with_the_forms(names: Names, sentence: str, message: str) -> None:
    with pytest.raises(AskError) as error:
        parse(sentence, names)
    assert str(error.value).startswith(message)
    for title, examples in FORMS:
        assert f"  {title}" in str(error.value)
        assert examples in str(error.value)


def test_the_forms_shown_are_understood(names: Names) -> None:
    for title, examples in FORMS:
        if title != "scaling":
            for example in examples.replace("X vs Y", "cirq vs aer").split("; "):
                assert parse(example, names), example


def test_the_page_shows_the_forms_and_the_sentences() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "plans.md").read_text()
    for title, examples in FORMS:
        assert f"{title:<12}  {examples}\n" in page
    for sentence, options in SENTENCES.items():
        words = [f"--qbench-{word}" for word in options.split()]
        assert f"| {sentence} | `{shlex.join(words)}` |" in page


def test_every_backend_and_circuit_can_be_named(names: Names) -> None:
    for name in names.backends:
        assert parse(name, names) == {"backend": [name]}
    for name in names.circuits:
        assert parse(name.replace("_", " "), names) == {"circuits": [name]}
