"""Circuits with variable parameters, for many parameter sets or initial states at once, and their gradients.

``parametric`` is the way in. ``slots`` says which gate parameters are variable, ``gate_tensors``, ``light_cone``,
``grouping`` and ``variable_blocks`` make a plan, ``adjoint`` and ``batch_runs`` run it, and ``parameter_shift`` and
``differentiable`` build on that; ``observables`` are what is measured.
"""
