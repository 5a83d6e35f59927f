"""A state-vector simulator on PyTorch.

``Simulator(program)`` compiles a program and runs it any number of times. The way of a program through the modules:
``compile`` (with ``blocks`` and ``schedule``) makes a plan of ``steps``; ``evolve`` applies them to states;
``branches`` follows the outcomes of measurements; ``sampling`` turns amplitudes into ``outcomes``. ``layout`` says
which amplitude is which, and ``simulator`` holds it all together.
"""

from pytest_qbench.engine.compile import compile_program
from pytest_qbench.engine.outcomes import Outcomes
from pytest_qbench.engine.simulator import Simulator

__all__ = ["Outcomes", "Simulator", "compile_program"]
