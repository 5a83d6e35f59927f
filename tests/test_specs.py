"""The backend-spec grammar and its errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.backends.registry import installed_backends
from pytest_qbench.specs import BackendSpec, SpecError, parse_spec, parse_specs, split_specs

KNOWN = installed_backends()


def options(spec: BackendSpec) -> dict[str, object]:
    return dict(spec.options)


def test_a_name_alone_takes_the_defaults() -> None:
    spec = parse_spec("aer", KNOWN)
    assert (spec.name, spec.label, spec.python, spec.threads) == ("aer", "aer", None, None)
    assert options(spec) == {
        "method": "automatic",
        "device": "CPU",
        "precision": "double",
        "fusion": True,
        "seed": None,
    }


def test_options_are_parsed_and_named_in_the_label() -> None:
    spec = parse_spec("aer[method=matrix_product_state, fusion=off,seed=7]", KNOWN)
    assert options(spec) | {"device": None} == {
        "method": "matrix_product_state",
        "device": None,
        "precision": "double",
        "fusion": False,
        "seed": 7,
    }
    assert spec.label == "aer.fusion=off.method=matrix_product_state.seed=7"


def test_an_option_at_its_default_does_not_change_the_label() -> None:
    assert parse_spec("aer[method=automatic]", KNOWN).label == "aer"


def test_general_options_are_for_the_worker() -> None:
    spec = parse_spec("aer[label=old,python=/opt/py,threads=2]", KNOWN)
    assert (spec.label, spec.python, spec.threads) == ("old", "/opt/py", 2)
    assert parse_spec("aer[threads=2]", KNOWN).label == "aer.threads=2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("are", "unknown backend 'are' (did you mean 'aer'?); known backends: aer, cirq, "),
        ("xyz", "unknown backend 'xyz'; known backends: aer, cirq, "),
        ("", "malformed backend spec ''"),
        ("aer[", "malformed backend spec 'aer['"),
        ("aer]", "malformed backend spec 'aer]'"),
        ("aer[method]", "'method' is not KEY=VALUE"),
        ("aer[method=]", "'method=' is not KEY=VALUE"),
        ("aer[seed=1,seed=2]", "option 'seed' is given twice"),
        ("aer[metod=statevector]", "aer has no option 'metod' (did you mean 'method'?)"),
        (
            "aer[method=statevecto]",
            "method=statevecto (did you mean 'statevector'?); choose from automatic, statevector",
        ),
        ("aer[fusion=maybe]", "option fusion=maybe: 'maybe' is neither on nor off"),
        ("aer[seed=x]", "option seed=x: must be a whole number"),
        ("aer[label=a b]", "option label=a b: a label has letters, digits and . _ = + @ - only"),
        ("aer[threads=x]", "option threads=x: must be a whole number"),
        ("aer[threads=0]", "option threads=0: must be at least 1"),
        ("all[precision=single]", "'all[precision=single]': all takes no options"),
        ("all[precision=single]", "; name those that have them: aer[precision=single],"),
        ("all[max_fused_gate_size=3]", "; name those that have them: qsim[max_fused_gate_size=3]"),
        ("all[threads=1]", "give them to each backend by name, as in aer[method=statevector]"),
        ("fake_manila@aer", "no device metadata (fake_manila@) is known; write 'aer'"),
    ],
)
def test_errors_say_what_is_wrong_and_what_is_right(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, KNOWN)
    assert message in str(caught.value)


def test_specs_are_split_at_commas_outside_brackets() -> None:
    assert split_specs(["aer[method=statevector,seed=1], native", "aer"]) == [
        "aer[method=statevector,seed=1]",
        "native",
        "aer",
    ]


def test_two_specs_with_one_label_are_an_error() -> None:
    with pytest.raises(SpecError, match="same label 'aer'; give one of them label=NAME"):
        parse_specs(["aer", "aer[method=automatic]"], KNOWN)
    labels = [spec.label for spec in parse_specs(["aer", "aer[method=automatic,label=b]"], KNOWN)]
    assert labels == ["aer", "b"]


@given(st.text(max_size=30))
def test_no_text_gives_anything_but_a_spec_or_its_error(text: str) -> None:
    try:
        spec = parse_spec(text, KNOWN)
    except SpecError:
        return
    assert spec.name in KNOWN
    assert not set("[]") & set(spec.label)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("qiskit-aer", "aer"),
        ("Qiskit[method=stabilizer]", "aer.method=stabilizer"),
        ("pennylane", "default.qubit"),
        ("lightning", "lightning.qubit"),
    ],
)
def test_common_names(text: str, label: str) -> None:
    assert parse_spec(text, installed_backends()).label == label


def test_a_backend_of_ones_own_goes_before_a_common_name() -> None:
    known = {**installed_backends(), "qiskit": installed_backends()["stim"]}
    assert parse_spec("qiskit", known).label == "qiskit"
