"""Observables against their matrices."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from parametric_circuits import operator, random_sum

from pytest_qbench.engine import PauliSum
from pytest_qbench.engine.batches.observables import BoundObservable


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.sampled_from(["IZ", "IX", "XY", "IXYZ"]))
def test_applied_like_its_matrix(seed: int, n_qubits: int, letters: str) -> None:
    """In any order of the qubits."""
    rng = random.Random(seed)
    observable = random_sum(rng, n_qubits, letters)
    order = rng.sample(range(n_qubits), n_qubits)
    generator = np.random.default_rng(seed)
    states = generator.normal(size=(3, 1 << n_qubits)) + 1j * generator.normal(size=(3, 1 << n_qubits))
    index = [sum((i >> bit & 1) << order[bit] for bit in range(n_qubits)) for i in range(1 << n_qubits)]
    stored = torch.tensor(states[:, index])
    device = torch.device("cpu")
    result = BoundObservable(observable, order, stored.dtype, device).conjugate_applied(
        stored, torch.empty_like(stored)
    )
    expected = (states @ operator(observable, n_qubits).T).conj()
    np.testing.assert_allclose(result.numpy(), expected[:, index], atol=1e-12)


def test_equal_strings_add_up() -> None:
    by_string = PauliSum.from_strings({"ZIX": 0.5, "IYI": -1.0})
    by_terms = PauliSum.from_terms([(0.25, {2: "Z", 0: "X"}), (-1.0, {1: "Y"}), (0.25, {0: "X", 2: "Z", 1: "I"})])
    assert by_string == by_terms
    assert by_string.support == 0b111
    assert by_string.general == 0b011
    assert hash(by_string) == hash(by_terms)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PauliSum.from_strings({"ZQ": 1.0}), "'Q' in a Pauli string"),
        (lambda: PauliSum.from_strings({"Z": float("nan")}), "finite real number"),
        (lambda: PauliSum.from_terms([(1j, {0: "Z"})]), "finite real number"),
        (lambda: PauliSum.from_terms([(1.0, {-1: "Z"})]), "qubits count from 0"),
    ],
)
def test_what_is_no_observable(build: Callable[[], PauliSum], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
