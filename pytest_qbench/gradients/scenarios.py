"""From an instance of a gradient case to its scenario: the circuit, its parameters, and the features in a file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pytest_qbench.gradients.ansatz import Ansatz
from pytest_qbench.gradients.cases import DEFAULT_DATASET, GradientCase
from pytest_qbench.gradients.convert import to_ansatz
from pytest_qbench.gradients.datasets import Dataset, load
from pytest_qbench.gradients.fitting import fit
from pytest_qbench.gradients.verify import Scenario
from pytest_qbench.plan import Instance
from pytest_qbench.user_code import case_error, place, refuse_none


@dataclass(frozen=True)
class PreparedScenario:
    """A scenario, the file with its features for the workers, and what a row says of its data."""

    scenario: Scenario
    features_file: Path
    dataset: Mapping[str, Any]


class Scenarios:
    """Makes scenarios and keeps the last one: points that share it come one after another."""

    def __init__(self, seed: int, base: Path, fit_method: str) -> None:
        """``seed`` draws parameters and synthetic data; ``base`` is what paths of data files are relative to."""
        self._seed = seed
        self._base = base
        self._fit_method = fit_method
        self._folder: Path | None = None
        self._last: tuple[tuple[Instance, int], PreparedScenario] | None = None

    @property
    def folder(self) -> Path:
        """A folder for the files of this session."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="qbench-gradients-"))
        return self._folder

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def prepare(self, instance: Instance, n_samples: int) -> PreparedScenario:
        """The scenario of ``instance`` with features for ``n_samples`` samples.

        Raises:
            CaseError: the case's builder or observable is wrong.
            DatasetMissing, DatasetError: the data set is not here, or can't be used.
        """
        key = (instance, n_samples)
        if self._last is None or self._last[0] != key:
            self._last = (key, self._prepare(instance, n_samples))
        return self._last[1]

    def _prepare(self, instance: Instance, n_samples: int) -> PreparedScenario:
        case, n_qubits, params = instance.case, instance.n_qubits, dict(instance.params)
        assert isinstance(case, GradientCase)
        ansatz = build_ansatz(case, instance)
        observable = case.terms(params["observable"], n_qubits)
        encoding = params["encoding"]
        width = 1 << n_qubits if encoding == "amplitude" else n_qubits
        dataset = load(params["dataset"], n_samples=n_samples, seed=self._seed, base=self._base, n_features=width)
        fitted = fit(dataset.features, encoding, n_qubits, self._fit_method)
        drawn = np.random.default_rng(self._seed).uniform(0, 2 * np.pi, ansatz.n_parameters)
        file = self.folder / "features.npy"
        np.save(file, np.ascontiguousarray(fitted.features, dtype=np.float64))
        scenario = Scenario(ansatz, tuple(drawn.tolist()), observable, encoding, fitted.features)
        return PreparedScenario(scenario, file, _described(dataset, fitted.how))


def build_ansatz(case: GradientCase, instance: Instance) -> Ansatz:
    """Call the case's builder and convert what it returns.

    Raises:
        CaseError: the builder raised, or its circuit can't be used; the message has the file and line.
    """
    arguments = case.arguments(instance.n_qubits, instance.params)
    call = f"{case.name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    origin = f"{place(case.path, case.line)}: {call}"
    try:
        circuit = case(**arguments)
    except Exception as error:  # whatever a user's builder raises concerns its own items only
        raise case_error(error, call, case.path, case.line) from error
    refuse_none(circuit, case)
    return to_ansatz(circuit, case.name, origin, instance.n_qubits)


def _described(dataset: Dataset, fitted: str) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "sha256": dataset.sha256,
        "file_sha256": dataset.file_sha256,
        "n_available": None if dataset.name == DEFAULT_DATASET else dataset.n_available,
        "source": dataset.source,
        "note": dataset.note,
        "fitted": fitted,
    }
