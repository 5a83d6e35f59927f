"""Every adapter of the project passes the tests that the adapters of others must pass."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator

import pytest

from pytest_qbench.backends.registry import installed_backends
from pytest_qbench.conformance import BackendConformance

ALL_KINDS = ("static", "dynamic", "noisy")
UNSEEDED = {
    **dict.fromkeys(("lret", "lret-phase7", "lret-cirq-scalability", "lret-pennylane"), ALL_KINDS),
    "quest": ("dynamic",),
}
"""What simulators draw with seeds of their own."""
SMALL = {"default.mixed": {"random_qubits": 6, "busy_qubits": 8}}
"""The sizes for density matrices."""
ON_GPU = ("custatevec", "lightning.gpu")


@pytest.fixture(scope="module", autouse=True)
def _restore_threads() -> Iterator[None]:
    """What the native backend sets holds for the whole process."""
    torch = None
    with contextlib.suppress(ImportError):
        torch = importlib.import_module("torch")
    threads = torch.get_num_threads() if torch else 0
    yield
    if torch:
        torch.set_num_threads(threads)


def _class_for(name: str) -> type[BackendConformance]:
    """``TestLightningQubit`` for ``lightning.qubit``."""
    title = "".join(part.capitalize() for part in name.replace("-", ".").split("."))
    members = {"spec": name, "unseeded": UNSEEDED.get(name, ()), "__module__": __name__, **SMALL.get(name, {})}
    if name in ON_GPU:
        members["pytestmark"] = [pytest.mark.gpu]
    return type(f"Test{title}", (BackendConformance,), members)


for _name, _target in installed_backends().items():
    if _target.startswith("pytest_qbench."):
        _made = _class_for(_name)
        globals()[_made.__name__] = _made


class TestAerStabilizer(BackendConformance):
    """A method that runs Clifford circuits only."""

    spec = "aer[method=stabilizer]"


def test_the_simulators_that_come_with_the_project_are_among_them() -> None:
    assert {"TestAer", "TestNative"} <= set(globals())
