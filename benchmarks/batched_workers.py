"""What ``batched_execution.py`` times, in the processes that it starts: one for PennyLane's default.qubit, some for
lightning.qubit with different numbers of threads, one for the native engine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from batched_settings import Call, Setting, in_child, refusal
from numpy.typing import NDArray

from pytest_qbench.gradients.ansatz import Ansatz, Terms
from pytest_qbench.gradients.convert import to_ansatz
from pytest_qbench.gradients.encodings import encode
from pytest_qbench.lookup import find_instance

LAYERS = 2
SEED = 42
N_STATES = 512
"""How many states the native engine gets; for the slower parameter-shift rule no more than :data:`SHIFT_BYTES` hold."""
SHIFT_BYTES = 1 << 21
BROADCAST_BYTES = 1 << 23
"""What the largest batch of default.qubit takes."""
N_SHIFTED = 4
"""How many samples the ways to shift parameters get."""
N_TAPES = 32
"""How many tapes lightning.qubit gets at a time."""
LARGEST_BLOCK = (1 << 25) - (1 << 16)
"""A little less than the largest block for which glibc's malloc adapts."""


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """The classic circuit, where to differentiate it, and the features of the samples."""

    ansatz: Ansatz
    parameters: tuple[float, ...]
    observable: Terms

    @classmethod
    def of(cls, n_qubits: int) -> Scenario:
        """With the observable Z on the last qubit."""
        case: Any = find_instance("gradient").case
        ansatz = to_ansatz(case(n_qubits=n_qubits, layers=LAYERS), case.name, str(case.path), n_qubits)
        parameters = np.random.default_rng(SEED).uniform(0, 2 * np.pi, ansatz.n_parameters)
        return cls(ansatz, tuple(parameters.tolist()), case.terms("zlast", n_qubits))

    @property
    def n_qubits(self) -> int:
        return self.ansatz.n_qubits

    @property
    def state_bytes(self) -> int:
        """Of amplitudes in double precision."""
        return 16 << self.n_qubits

    def states(self, n_samples: int) -> NDArray[np.float64]:
        """Amplitude-encoded samples; they are real."""
        features = np.random.default_rng(SEED).uniform(0.1, 1, (n_samples, 1 << self.n_qubits))
        states: NDArray[np.float64] = encode(features, "amplitude", self.n_qubits)
        return states


def powers(first: int, last: int, factor: int) -> Iterator[int]:
    """``first``, ``factor`` times that and so on, up to ``last``."""
    while first <= last:
        yield first
        first *= factor


def default_qubit(scenario: Scenario, factor: int) -> tuple[Any, list[Setting], dict[str, Any]]:
    """Broadcasting: batches of states, then the ways to shift parameters."""
    import pennylane as qml
    from pennylane.tape import QuantumScript

    from pytest_qbench.gradients.paths.pennylane_circuits import PennylaneCircuit, injection, observable
    from pytest_qbench.gradients.paths.pennylane_devices import open_device
    from pytest_qbench.gradients.paths.shift_rules import angles, shifted_values

    n, ansatz = scenario.n_qubits, scenario.ansatz
    device, circuit, inject = open_device("default.qubit", n, "double"), PennylaneCircuit(ansatz), injection(n)
    measured, values = qml.expval(observable(scenario.observable, n)), angles(ansatz, scenario.parameters)
    operations, plan = circuit.operations(values), shifted_values(ansatz)
    trainable = list(range(1, 1 + len(ansatz.uses)))

    def states(n_samples: int) -> NDArray[np.complex128]:
        return scenario.states(n_samples).astype(np.complex128)

    def tape(states: Any, operations: list[Any] = operations) -> Any:
        return QuantumScript([inject(states), *operations], [measured], trainable_params=trainable)

    def evaluation(batch: Any) -> Call:
        return lambda: device.execute([tape(batch)])

    def by_hand(batch: Any) -> Call:
        """A tape for each shift, broadcast over samples: values of shape (shifts, samples)."""
        scripts = []
        for item in plan:
            script, place, own = operations.copy(), ansatz.uses[item.use].instruction, values.copy()
            own[item.use] += item.shift
            script[place] = circuit.operation(place, own)
            scripts.append(script)
        return lambda: device.execute([tape(batch, script) for script in scripts])

    def all_at_once(batch: Any) -> Call:
        """One tape, broadcast over all pairs of shift and sample."""
        columns = np.tile(values, (len(plan), 1))
        for row, item in zip(columns, plan, strict=True):
            row[item.use] += item.shift
        every = circuit.operations(list(columns.repeat(len(batch), axis=0).T))
        return lambda: device.execute([tape(np.tile(batch, (len(plan), 1)), every)])

    def transformed(batch: Any, broadcast: bool) -> Any:
        """The gradients by PennyLane's own transform."""
        tapes, combine = qml.gradients.param_shift(tape(batch), broadcast=broadcast)
        return combine(device.execute(list(tapes)))

    def adapted(start: Callable[[], Call]) -> Callable[[], Call]:
        def after_a_large_block() -> Call:
            np.empty(LARGEST_BLOCK, np.uint8)
            return start()

        return after_a_large_block

    settings = []
    for size in powers(1, min(N_STATES, BROADCAST_BYTES // scenario.state_bytes), factor):

        def start(size: int = size) -> Call:
            return evaluation(states(size))

        for variant, how in (("as found", start), ("adapted", adapted(start))):
            settings.append(Setting("broadcast", variant, n, size, size, how, forks=True))
    ways: dict[str, Callable[[Any], Call]] = {
        "tape per shift, samples broadcast": by_hand,
        "one tape, shifts x samples broadcast": all_at_once,
        "param_shift(), samples broadcast": lambda batch: lambda: transformed(batch, False),
        "param_shift(broadcast=True), tape per sample": lambda batch: lambda: [transformed(x, True) for x in batch],
    }
    for variant, way in ways.items():

        def start_way(way: Callable[[Any], Call] = way) -> Call:
            return way(states(N_SHIFTED))

        work = N_SHIFTED * len(plan)
        settings.append(Setting("shifts", variant, n, N_SHIFTED, work, adapted(start_way), forks=True))

    def checked() -> tuple[Any, dict[str, Any]]:
        weights = np.zeros((ansatz.n_parameters, len(plan)))
        for column, item in enumerate(plan):
            weights[item.parameter, column] = item.weight
        shifted: Any = by_hand(states(2))()
        at_once: Any = all_at_once(states(2))()
        np.testing.assert_allclose(np.ravel(at_once), np.ravel(shifted), atol=1e-10)
        # Broadcasting over shifts wants the axis that samples take already.
        found = np.reshape(transformed(states(2), True), -1)
        right = np.array(transformed(states(2), False)).T
        return (weights @ np.array(shifted)).T, {
            "param_shift(broadcast=True), 3 samples broadcast": refusal(lambda: transformed(states(3), True)),
            "param_shift(broadcast=True), 2 samples broadcast": f"{found.size} numbers instead of {right.size}, "
            f"up to {abs(found - right).min(axis=0).max():.3f} from either sample's",
        }

    gradients, facts = in_child(checked)
    return gradients, settings, facts


def lightning_qubit(scenario: Scenario, factor: int) -> tuple[Any, list[Setting], dict[str, Any]]:
    """Batches of tapes, for values and for derivatives, and several observables in a tape."""
    import pennylane as qml
    from pennylane.tape import QuantumScript

    from pytest_qbench.gradients.paths.pennylane_circuits import PennylaneCircuit, injection, observable
    from pytest_qbench.gradients.paths.pennylane_devices import open_device
    from pytest_qbench.gradients.paths.shift_rules import angles

    n, ansatz = scenario.n_qubits, scenario.ansatz
    device, inject = open_device("lightning.qubit", n, "double"), injection(n)
    operations = PennylaneCircuit(ansatz).operations(angles(ansatz, scenario.parameters))
    trainable = list(range(1, 1 + len(ansatz.uses)))
    last = [qml.expval(observable(scenario.observable, n))]
    each = [qml.expval(qml.PauliZ(wire)) for wire in range(n)]
    batch = scenario.states(N_TAPES).astype(np.complex128)

    def tape(state: Any, measured: list[Any] = last) -> Any:
        return QuantumScript([inject(state), *operations], measured, trainable_params=trainable)

    def split() -> object:
        tapes, _ = device.preprocess_transforms()([tape(batch)])
        return device.execute(tapes)

    def looped(function: Callable[[list[Any]], object]) -> Call:
        return lambda: [function([tape(state)]) for state in batch]

    def together(function: Callable[[list[Any]], object]) -> Call:
        return lambda: function([tape(state) for state in batch])

    def derivatives(batch_obs: bool, measured: list[Any]) -> Call:
        own = qml.device("lightning.qubit", wires=n, batch_obs=batch_obs)
        return lambda: own.compute_derivatives([tape(batch[0], measured)])

    calls: list[tuple[str, str, int, Call]] = [
        ("lightning evaluations", "one call for each tape", N_TAPES, looped(device.execute)),
        ("lightning evaluations", f"one call for {N_TAPES} tapes", N_TAPES, together(device.execute)),
        ("lightning evaluations", f"a tape broadcast over {N_TAPES} samples", N_TAPES, split),
        ("lightning adjoint", "one call for each tape", N_TAPES, looped(device.compute_derivatives)),
        ("lightning adjoint", f"one call for {N_TAPES} tapes", N_TAPES, together(device.compute_derivatives)),
        ("lightning observables", "one, batch_obs=False", 1, derivatives(False, last)),
        ("lightning observables", "one, batch_obs=True", 1, derivatives(True, last)),
        ("lightning observables", "one for each qubit, batch_obs=False", 1, derivatives(False, each)),
        ("lightning observables", "one for each qubit, batch_obs=True", 1, derivatives(True, each)),
    ]
    settings = [Setting(sweep, variant, n, work, work, partial(_ready, call)) for sweep, variant, work, call in calls]
    weights = np.zeros((len(ansatz.uses), ansatz.n_parameters))
    for row, use in enumerate(ansatz.uses):
        weights[row, use.parameter] = use.scale
    gradients = np.array(device.compute_derivatives([tape(state) for state in batch[:2]])).reshape(2, -1) @ weights
    facts = {
        "execute() of a tape broadcast over samples": refusal(lambda: device.execute([tape(batch)])),
        f"tapes that preprocessing makes of one broadcast over {N_TAPES} samples": len(
            device.preprocess_transforms()([tape(batch)])[0]
        ),
    }
    return gradients, settings, facts


def native(scenario: Scenario, factor: int) -> tuple[Any, list[Setting], dict[str, Any]]:
    """Both methods over the number of states in a call, and over what the engine works on at a time."""
    import torch

    from pytest_qbench.engine import Parametric, PauliSum, Slot

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    n, ansatz = scenario.n_qubits, scenario.ansatz
    slots = [Slot(use.instruction, use.param, use.parameter, use.scale, use.offset) for use in ansatz.uses]
    observable = PauliSum.from_terms((coefficient, dict(letters)) for coefficient, letters in scenario.observable)
    parameters = torch.tensor(scenario.parameters, dtype=torch.float64)
    states = torch.from_numpy(scenario.states(N_STATES))

    def gradients(method: str, n_states: int, batch_bytes: int | None = None) -> Call:
        circuit = Parametric(ansatz.program, slots, n_parameters=ansatz.n_parameters, batch_bytes=batch_bytes)
        function = circuit.value_and_gradient if method == "adjoint" else circuit.shift_gradients
        return lambda: function(parameters, observable, states[:n_states])

    settings = []
    for method in ("adjoint", "shift"):
        most = N_STATES if method == "adjoint" else min(N_STATES, SHIFT_BYTES // scenario.state_bytes)
        settings += [
            Setting("native states", method, n, size, size, partial(gradients, method, size))
            for size in powers(1, most, factor)
        ]
        settings += [
            Setting("native chunk", method, n, size, most, partial(gradients, method, most, size))
            for size in powers(1 << 20, 1 << 26, factor)
        ]
    first: Any = gradients("adjoint", 2)()
    other: Any = gradients("shift", 2)()
    np.testing.assert_allclose(first[1], other, rtol=1e-8, atol=1e-10)
    return first[1][:, 0], settings, {}


def _ready(call: Call) -> Call:
    return call


WORKERS = {"default.qubit": default_qubit, "lightning.qubit": lightning_qubit, "native": native}


def serve(which: str, qubits: str, factor: str, least: str) -> None:
    """Say what there is to time, then time all of it for every line of standard input: ``forth`` or ``back``."""
    settings: list[Setting] = []
    gradients: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    for n_qubits in map(int, qubits.split(",")):
        found, own, said = WORKERS[which](Scenario.of(n_qubits), int(factor))
        gradients[str(n_qubits)] = np.asarray(found).tolist()
        settings += own
        facts |= {f"{which}, {n_qubits} qubits, {what}": value for what, value in said.items()}
    described = [
        {name: getattr(item, name) for name in ("sweep", "variant", "n_qubits", "size", "work")} | item.memory()
        for item in settings
    ]
    print(json.dumps({"settings": described, "gradients": gradients, "facts": facts}), flush=True)
    for line in sys.stdin:
        order = range(len(settings)) if line.strip() == "forth" else reversed(range(len(settings)))
        taken = {number: settings[number].seconds(float(least)) for number in order}
        print(json.dumps([taken[number] for number in range(len(settings))]), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
