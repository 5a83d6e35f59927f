"""A state-vector simulator on PyTorch; docs/engine.md tells how it works.

``Simulator(program)`` compiles a program (``compiling``) and runs it any number of times (``running``).
``Parametric(program, slots)`` runs a program whose gates have variable parameters for batches of parameter sets or
initial states, with gradients (``batches``).
"""

from pytest_qbench.engine.batches.observables import PauliSum
from pytest_qbench.engine.batches.parametric import Parametric
from pytest_qbench.engine.batches.slots import Slot
from pytest_qbench.engine.compiling.compile import compile_program
from pytest_qbench.engine.running.outcomes import Outcomes
from pytest_qbench.engine.running.simulator import Simulator

__all__ = ["Outcomes", "Parametric", "PauliSum", "Simulator", "Slot", "compile_program"]
