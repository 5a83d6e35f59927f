"""Plans in plain words: ``--qbench-ask "compare Cirq and Qiskit on random circuits 4 to 16 qubits"``.

A small grammar, no model: tokens -> :class:`~pytest_qbench.ask.request.Request` -> words of a command line, all pure
functions. A word that the grammar does not know is an error, so that nothing is silently left out.
"""
