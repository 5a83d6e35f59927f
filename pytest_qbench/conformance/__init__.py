"""Tests that every adapter must pass: :class:`BackendConformance`.

An adapter's author subclasses it::

    from pytest_qbench.conformance import BackendConformance

    class TestMine(BackendConformance):
        spec = "mine"
"""

from pytest_qbench.conformance.suite import BackendConformance

__all__ = ["BackendConformance"]
