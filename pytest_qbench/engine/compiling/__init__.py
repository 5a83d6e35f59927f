"""From a program to a plan: what is done to which amplitudes, in which order. Needs no torch.

``compile`` is the way in. ``frontier`` tells which gates may come next, ``fuse`` makes ``blocks`` of them, ``schedule``
decides where the qubits of each block have to be in the state vector, ``matrices`` and ``elementwise`` make ``steps``
of blocks, and ``channels`` does so for noise. ``costs`` has the numbers behind the choices, and ``layout`` says which
amplitude is which.
"""
