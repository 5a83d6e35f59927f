"""Groups of gates."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench.engine.batches.grouping import groupings


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.integers(1, 6), st.data())
def test_groups_do_what_the_gates_do(n_qubits: int, width: int, data: st.DataObject) -> None:
    """Each gate is in one group, no gate goes past another that shares a qubit, and groups are as narrow as asked."""
    qubits = st.sets(st.integers(0, n_qubits - 1), min_size=1, max_size=min(n_qubits, 4))
    gates = data.draw(st.lists(qubits, max_size=40))
    masks = [sum(1 << qubit for qubit in gate) for gate in gates]
    for groups in groupings(masks, n_qubits, width):
        order = [gate for group in groups for gate in group.gates]
        assert sorted(order) == list(range(len(gates)))
        place = {gate: i for i, gate in enumerate(order)}
        for later, mask in enumerate(masks):
            assert all(place[earlier] < place[later] for earlier in range(later) if masks[earlier] & mask)
        for group in groups:
            touched = 0
            for gate in group.gates:
                touched |= masks[gate]
            assert group.qubits == touched
            assert touched.bit_count() <= width or len(group.gates) == 1


def test_a_sweep_goes_through_several_layers() -> None:
    """Layers of one-qubit gates and ladders on 12 qubits: a window of 4 finishes two qubits in both layers."""
    n = 12
    layer = [1 << q for q in range(n)] + [3 << q for q in range(n - 1)]
    up, *_ = groupings(layer + layer, n, 4)
    assert [group.qubits for group in up] == [0b1111 << low for low in (0, 2, 4, 6, 8)]
    ladder_down = [1 << q for q in range(n)] + [3 << q for q in reversed(range(n - 1))]
    _, down, _ = groupings(ladder_down + ladder_down, n, 4)
    assert [group.qubits for group in down] == [0b1111 << low for low in (8, 6, 4, 2, 0)]


def test_distant_qubits_come_together() -> None:
    masks = [1 << 0 | 1 << 9, 1 << 9 | 1 << 5, 1 << 0, 1 << 0 | 1 << 5]
    *_, fullest = groupings(masks, 10, 3)
    assert [group.gates for group in fullest] == [(0, 1, 2, 3)]
