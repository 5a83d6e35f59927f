"""The plan: which points a case gives, in which order, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_qbench.cases import STANDARD_MAX_QUBITS, CircuitCase, Params

if TYPE_CHECKING:
    from pytest_qbench.circuits.noise import NoiseModel
    from pytest_qbench.settings import Settings
    from pytest_qbench.specs import BackendSpec

CORE_TAG = "core"

COLD_SHOTS = 1000
"""The cold reading, preparation and first call, is one at so many shots."""

LadderKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Instance:
    """A case at one size and one choice of its parameters, with noise or without: one circuit."""

    case: CircuitCase
    n_qubits: int
    params: Params
    noise: NoiseModel | None = None

    @property
    def id(self) -> str:
        """``q12``, ``q14-d20`` or ``q14-d20-noise0.01``."""
        plain = self.case.instance_id(self.n_qubits, self.params)
        return plain if self.noise is None else f"{plain}-{self.noise.label}"


@dataclass(frozen=True, slots=True)
class Point:
    """One cell of the matrix: an instance on a backend at a number of shots."""

    instance: Instance
    backend: BackendSpec
    shots: int

    @property
    def id(self) -> str:
        """The part of an item id in brackets: ``aer-q12-s1000``."""
        return f"{self.backend.label}-{self.instance.id}-{self.instance.case.shots_letter}{self.shots}"

    @property
    def parameters(self) -> dict[str, Any]:
        """What tells it from others of its case, by the names that pytest and pytest-benchmark know."""
        instance = self.instance
        backend, shots = ("path", "samples") if instance.case.is_gradient else ("backend", "shots")
        noise = {} if instance.noise is None else {"noise": instance.noise.label}
        return {
            backend: self.backend.label,
            "n_qubits": instance.n_qubits,
            **noise,
            **dict(instance.params),
            shots: self.shots,
        }

    @property
    def ladder_id(self) -> str:
        """What a ladder is called: ``ghz_state[aer-q12]``."""
        return f"{self.instance.case.name}[{self.backend.label}-{self.instance.id}]"

    @property
    def ladder_key(self) -> LadderKey:
        """The same for all points of a ladder, and no other's, also where two files have a case of one name."""
        return self.instance.case.path, self.ladder_id


def is_of_kind(case: CircuitCase, settings: Settings) -> bool:
    """Whether the session is one for such cases: of circuits or of gradients."""
    return case.is_gradient == (settings.gradients is not None)


def is_selected(case: CircuitCase, settings: Settings) -> bool:
    """Whether the session is one for such cases, and the suite takes it."""
    return is_of_kind(case, settings) and (settings.suite != "core" or CORE_TAG in case.tags)


def plan_instances(case: CircuitCase, settings: Settings) -> list[Instance]:
    """The instances of a case that the settings select, by size, then parameters as declared, then noise.

    Sizes asked for with ``--qbench-qubits`` count as given; else the suite bounds the declared ones.
    """
    if not is_selected(case, settings):
        return []
    cap = None if settings.suite == "full" or settings.qubits is not None else STANDARD_MAX_QUBITS
    overrides = {name: values for name, values in settings.overrides.items() if name in case.sweeps}
    return [
        Instance(case, n_qubits, params, noise)
        for n_qubits in case.sizes(settings.qubits, cap)
        for params in case.combinations(overrides)
        for noise in settings.noise
    ]


def plan_points(case: CircuitCase, settings: Settings) -> list[Point]:
    """The points of a case in the order they run: instance by instance, backends side by side, ladder upwards."""
    return [
        Point(instance, backend, shots)
        for instance in plan_instances(case, settings)
        for backend in settings.backends
        for shots in settings.shots
    ]


def cold_shots(ladder: Iterable[int]) -> int:
    """The shots of an instance's first call: :data:`COLD_SHOTS` where the ladder has them, else its lowest."""
    shots = set(ladder)
    return COLD_SHOTS if COLD_SHOTS in shots else min(shots)


def ladders(points: Iterable[Point]) -> dict[LadderKey, tuple[int, ...]]:
    """The shots planned for each ladder, ascending."""
    shots: dict[LadderKey, set[int]] = {}
    for point in points:
        shots.setdefault(point.ladder_key, set()).add(point.shots)
    return {ladder: tuple(sorted(values)) for ladder, values in shots.items()}
