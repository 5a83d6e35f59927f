"""The child process that imports a simulator and runs the rounds. Run as a script, under any interpreter.

    python .../pytest_qbench/measure/worker.py REQUESTS ANSWERS PAGE LIFE STATUS SUPERVISOR

The first five arguments are inherited descriptors: two pipes of framed messages, the heartbeat page, and the two pipes
of the guardian; the last is the supervisor's process id. Standard output and error are the simulator's own.

Nothing but the package ``pytest_qbench`` becomes importable here: no directory is put on the path, so that an
interpreter with other versions of everything sees its own packages only. This file keeps to what any Python 3 can read,
so that one that is too old can say so.
"""

import sys


def main() -> None:
    """Split into guardian and worker, and serve requests until the supervisor closes the pipe."""
    if sys.version_info < (3, 11):  # noqa: UP036 (a foreign interpreter may be anything)
        sys.exit("pytest-qbench needs Python 3.11 or newer, this is " + sys.version.split()[0])
    requests, answers, page, life, status, supervisor = (int(argument) for argument in sys.argv[1:])
    del sys.argv[1:]
    _make_package_importable()

    from pytest_qbench.measure.guardian import guard

    guard(life, status, supervisor, worker_fds=(requests, answers, page))

    from pytest_qbench.measure.serve import serve

    serve(requests, answers, page)


def _make_package_importable() -> None:
    """Import ``pytest_qbench`` from where this file is, without its parent directory on the path."""
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    here = Path(__file__).resolve().parent
    # Python put this script's own directory first, where our module names would hide those of other packages.
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != here]
    package = here.parent
    spec = spec_from_file_location(package.name, package / "__init__.py", submodule_search_locations=[str(package)])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[package.name] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    main()
