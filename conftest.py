"""Fixtures for the project's own tests and for its case files."""

pytest_plugins = ["pytester"]
