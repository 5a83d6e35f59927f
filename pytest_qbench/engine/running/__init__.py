"""From a plan to outcomes, on PyTorch.

``simulator`` is the way in. ``evolve`` keeps states in memory and ``kernels`` applies steps to them (``workers`` by
several threads); ``branches`` follows the outcomes of measurements, ``trajectories`` and ``noise_kernels`` the errors
of noise; ``sampling`` turns amplitudes into ``outcomes``.
"""
