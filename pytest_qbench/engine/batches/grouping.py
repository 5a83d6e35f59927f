"""Which gates to join into one block, for states short enough to stay in the cache.

A set of qubits is a bit mask here. A group is a set of at most ``width`` qubits with gates on them, in program order;
applying the groups one after another does what the gates do. As each group costs a pass over the states, few groups
are wanted, and circuits on a line of qubits have a good answer that a search for the next best group does not find: a
sweep that finishes one qubit after another and goes through several layers at once. So several ways are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_SEEDS = 6
"""So many gates on several qubits are tried as the core of the next group."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some gates (their indices, ascending) and the qubits that they touch."""

    qubits: int
    gates: tuple[int, ...]


Grouping: TypeAlias = "list[Group]"
_Choice: TypeAlias = "Callable[[_Pending], Group]"


def groupings(masks: Sequence[int], n_qubits: int, width: int) -> Iterator[Grouping]:
    """Ways to group gates that touch the qubits ``masks[i]``. A gate on more than ``width`` qubits is a group of its
    own."""
    for choose in (_Pending.sweep_up, _Pending.sweep_down, _Pending.fullest):
        pending = _Pending(masks, n_qubits, width)
        groups: Grouping = []
        while pending.gates:
            groups.append(choose(pending))
            taken = set(groups[-1].gates)
            pending.gates = [gate for gate in pending.gates if gate not in taken]
        yield groups


class _Pending:
    """The gates that are in no group yet."""

    def __init__(self, masks: Sequence[int], n_qubits: int, width: int) -> None:
        self.gates = list(range(len(masks)))
        self._masks = masks
        self._n = n_qubits
        self._width = min(width, n_qubits)

    def sweep_up(self) -> Group:
        """The window that starts at the lowest qubit with gates to come."""
        touched = self._touched()
        low = (touched & -touched).bit_length() - 1
        return self._window(min(low, self._n - self._width)) or self.fullest()

    def sweep_down(self) -> Group:
        """The window that ends at the highest qubit with gates to come."""
        return self._window(max(0, self._touched().bit_length() - self._width)) or self.fullest()

    def fullest(self) -> Group:
        """The group that takes most gates, those on several qubits counting most."""
        windows = (self._window(low) for low in range(self._n - self._width + 1))
        candidates = [group for group in (*windows, *self._around_seeds()) if group]
        return max(candidates, key=lambda group: sum(self._masks[gate].bit_count() ** 2 for gate in group.gates))

    def _touched(self) -> int:
        touched = 0
        for gate in self.gates:
            touched |= self._masks[gate]
        return touched

    def _window(self, low: int) -> Group | None:
        return self._within(((1 << self._width) - 1) << low)

    def _within(self, window: int) -> Group | None:
        """All gates that can go next and touch no other qubit, and what they make possible."""
        blocked = touched = 0
        taken = []
        for gate in self.gates:
            mask = self._masks[gate]
            if mask & (blocked | ~window):
                blocked |= mask
                if not window & ~blocked:
                    break
            else:
                taken.append(gate)
                touched |= mask
        return Group(touched, tuple(taken)) if taken else None

    def _around_seeds(self) -> Iterator[Group | None]:
        """Groups that grow from one gate by those that share a qubit with it."""
        seeds = [gate for gate in self.gates if self._masks[gate].bit_count() > 1]
        blocked = 0
        tried = 0
        for start, seed in enumerate(seeds):
            mask = self._masks[seed]
            if mask.bit_count() > self._width:
                if not any(self._masks[gate] & mask for gate in self.gates if gate < seed):
                    yield Group(mask, (seed,))
            elif not mask & blocked:
                yield self._within(self._grown(mask, seeds[start + 1 :]))
                tried += 1
            blocked |= mask
            if tried == _SEEDS or blocked.bit_count() == self._n:
                break

    def _grown(self, window: int, gates: Sequence[int]) -> int:
        blocked = 0
        for gate in gates:
            mask = self._masks[gate]
            if not mask & blocked and mask & window and (window | mask).bit_count() <= self._width:
                window |= mask
            elif mask & (blocked | ~window):
                blocked |= mask
                if not window & ~blocked:
                    break
        return window
