"""Plans in plain words: ``--qbench-ask "compare Cirq and Qiskit on random circuits 4 to 16 qubits"``.

A small grammar, no model: a sentence -> the options that it stands for. A word that the grammar does not know is an
error, so that nothing is silently left out.
"""
