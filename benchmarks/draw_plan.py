"""Draw the plan of a compiled circuit: ``python benchmarks/draw_plan.py CASE [FILE.svg]``.

A column for each step, a row for each position of a qubit in the state vector. Needs matplotlib. The picture in
docs/engine.md was made by ``python benchmarks/draw_plan.py random_universal-q20-d2 docs/pictures/plan.svg``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from pytest_qbench.engine import compile_program
from pytest_qbench.engine.compiling.costs import Costs
from pytest_qbench.engine.compiling.steps import Choice, Dense, Diagonal, Evolve, Exchange, Move, Scale, Step, Sweep
from pytest_qbench.lookup import find_instance
from pytest_qbench.runner import build_program

DENSE, DIAGONAL, EXCHANGE, SWEEP = "#3a78b5", "#e0a030", "#58a05c", "#dfe6ee"


def positions_of(step: Step | Choice, n_chunk: int) -> list[int]:
    """The positions whose bits a step looks at."""
    match step:
        case Dense():
            return list(range(step.low, step.low + len(step.matrix).bit_length() - 1))
        case Choice():
            inner = next(inner for inner in step.steps if inner is not None)
            return positions_of(inner, n_chunk) + [n_chunk + bit for bit in step.bits]
        case Diagonal():
            varies = [np.ptp(step.factors, axis).any() for axis in range(step.factors.ndim)]
            return [p for axis, p in axes_of(step.shape) if varies[axis]]
        case Scale():
            return [p for axis, p in axes_of(step.shape) if isinstance(step.index[axis], int)]
        case Exchange():
            return [p for axis, p in axes_of(step.shape) if isinstance(step.first[axis], int)]
        case _:
            return []


def axes_of(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """(axis, position) for the positions that each axis but the first stands for, from the lowest up."""
    position = 0
    for axis in reversed(range(1, len(shape))):
        for _ in range(shape[axis].bit_length() - 1):
            yield axis, position
            position += 1


def moved(step: Move, n: int) -> list[int]:
    """For each new position, the old one."""
    old = np.arange(1 << sum(size.bit_length() - 1 for size in step.shape[1:])).reshape(1, *step.shape[1:])
    images = old.transpose(step.permutation).ravel()
    n_moved = len(images).bit_length() - 1
    return [int(images[1 << p]).bit_length() - 1 for p in range(n_moved)] + list(range(n_moved, n))


class Drawing:
    """Draws steps from left to right and keeps track of where every qubit is."""

    def __init__(self, axes: Axes, n: int, n_chunk: int) -> None:
        self.axes, self.n, self.n_chunk = axes, n, n_chunk
        self.x = 0.0
        self.at = list(range(n))  # the line at each position
        self.points: list[list[tuple[float, int]]] = [[(0.0, position)] for position in range(n)]
        self.colors = plt.get_cmap("viridis")(np.linspace(0, 0.92, n))

    def lines(self, sources: list[int], width: float) -> None:
        """Lead every line on, from its old position to the new one."""
        self.at = [self.at[source] for source in sources]
        moving = any(source != position for position, source in enumerate(sources))
        for position, line in enumerate(self.at):
            if moving:
                self.points[line].append((self.x, self.points[line][-1][1]))
            self.points[line].append((self.x + width, position))
        self.x += width

    def finish(self) -> None:
        """Draw the lines."""
        for points, color in zip(self.points, self.colors, strict=True):
            corners = [
                point
                for before, point, after in zip(points, points[1:], points[2:], strict=False)
                if not before[1] == point[1] == after[1]
            ]
            self.axes.plot(*zip(points[0], *corners, points[-1], strict=True), color=color, lw=1.3, zorder=1)

    def step(self, step: Step | Choice) -> None:
        """Draw one step."""
        if isinstance(step, Sweep):
            start = self.x
            self.lines(list(range(self.n)), 0.3)
            for inner in step.steps:
                self.step(inner)
            self.lines(list(range(self.n)), 0.3)
            height = step.n_bits - 0.1
            self.axes.add_patch(Rectangle((start, -0.45), self.x - start, height, color=SWEEP, zorder=0))
            self.lines(list(range(self.n)), 0.3)
        elif isinstance(step, Move):
            self.lines(moved(step, self.n), 1.6)
            self.lines(list(range(self.n)), 0.15)
        else:
            positions = positions_of(step, self.n_chunk)
            middle = self.x + 0.45
            self.lines(list(range(self.n)), 0.9)
            if isinstance(step, Dense):
                box = Rectangle(
                    (middle - 0.32, positions[0] - 0.38), 0.64, len(positions) - 0.24, color=DENSE, zorder=2
                )
                self.axes.add_patch(box)
            else:
                inner = step.steps[-1] if isinstance(step, Choice) else step
                color = EXCHANGE if isinstance(inner, Exchange) else DIAGONAL
                self.axes.plot([middle] * 2, [min(positions), max(positions)], color=color, lw=2, zorder=2)
                self.axes.plot([middle] * len(positions), positions, "o", color=color, ms=5, zorder=3)


def main(case: str, file: Path) -> None:
    """Draw the plan of ``case`` in single precision into ``file``."""
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "plan"})  # text as text, the same file every time
    program = build_program(find_instance(case))
    n = program.n_qubits
    costs = Costs.of(n, single=True)
    plan = compile_program(program, "cpu", "single")
    figure, axes = plt.subplots(figsize=(15, 5.2), layout="constrained")
    drawing = Drawing(axes, n, costs.n_chunk)
    for operation in plan.operations:
        if isinstance(operation, Evolve):
            for step in operation.steps:
                drawing.step(step)
    drawing.finish()
    axes.axhline(costs.n_parked - 0.5, color="#888", lw=0.8, ls=":")
    axes.text(drawing.x + 0.4, costs.n_parked / 2 - 0.5, "parked", va="center", fontsize=9)
    if costs.n_chunk < n:
        axes.axhline(costs.n_chunk - 0.5, color="#888", lw=0.8, ls=":")
        axes.text(drawing.x + 0.4, (costs.n_chunk + n - 1) / 2, "index of\nthe chunk", va="center", fontsize=9)
    axes.set(xlim=(-0.5, drawing.x + 5), ylim=(-0.8, n - 0.2), ylabel="position in the state vector", xticks=[])
    axes.set_yticks(range(0, n, 2 if n > 12 else 1))
    axes.set_title(
        f"{case}: {sum(item.is_gate for item in program.instructions)} gates, from left to right", fontsize=11
    )
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    legend = [
        Patch(color=DENSE, label="dense block: a matrix product"),
        Line2D([], [], color=DIAGONAL, marker="o", label="diagonal block or controlled phase"),
        Line2D([], [], color=EXCHANGE, marker="o", label="exchange of slices"),
        Line2D([], [], color="#333", label="a qubit, moved where it is slanted"),
        Patch(color=SWEEP, label="sweep: chunk after chunk, in the cache"),
    ]
    figure.legend(handles=legend, loc="outside lower center", ncols=5, fontsize=9, frameon=False)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=110)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else Path("plan.svg"))
