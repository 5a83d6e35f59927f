"""Backends for the tests of the supervisor: one that does no harm, and one for every way to go wrong.

They run in the worker, found through ``sys.path`` as a user's own adapter would be. A description's ``versions`` carry
back what a test wants to know.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from pytest_qbench.backends.base import Backend, Capabilities, Description, UnavailableError, UnsupportedError
from pytest_qbench.circuits.program import Program

MIB = 1 << 20


class Good(Backend):
    """Every shot gives zeros. It keeps a record of what it was asked."""

    name = "good"
    install = "pip install good-simulator"

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self.options = options
        self.threads = threads
        self.width = 0
        self.prepares = 0
        self.seeds: list[int] = []

    def capabilities(self) -> Capabilities:
        return Capabilities(gates=frozenset({"x"}), max_qubits=20)

    def describe(self) -> Description:
        record = {"pid": os.getpid(), "prepares": self.prepares, "seeds": " ".join(map(str, self.seeds))}
        return Description("1.0", {key: str(value) for key, value in record.items()}, threads=self.threads)

    def prepare(self, program: Program) -> Any:
        self.prepares += 1
        self.width = program.n_clbits
        return program

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        self.seeds.append(seed)
        return shots

    def counts(self, result: Any) -> Mapping[str, int]:
        return {"0" * self.width: result}


class Environment(Good):
    """Tells about the process it lives in."""

    def describe(self) -> Description:
        facts = {key: os.environ.get(key, "") for key in self.options["variables"]}
        facts["path"] = os.pathsep.join(sys.path)
        facts["stdin"] = repr(sys.stdin.read())
        facts["session"] = str(os.getsid(0))
        return Description("1.0", facts)


class Compiles(Good):
    """The first call of all takes long, the others no time."""

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        if not self.seeds:
            time.sleep(0.3)
        return super().run(prepared, shots, seed)


class Works(Good):
    """Uses CPU time in two threads and in a child process in every call."""

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        threads = [threading.Thread(target=spin, args=(0.1,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        subprocess.run([sys.executable, "-S", "-c", SPIN], check=True)
        for thread in threads:
            thread.join()
        return super().run(prepared, shots, seed)


SPIN = "import time\nwhile time.process_time() < 0.1: pass"


def spin(seconds: float) -> None:
    """Use so much CPU time of the present thread, outside the interpreter lock."""
    while time.thread_time() < seconds:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10_000)


class Lazy(Good):
    """Leaves its work to ``synchronize``, as a device does."""

    def synchronize(self) -> None:
        time.sleep(0.02)


class SlowConversion(Good):
    """Takes its time to turn a result into counts."""

    def counts(self, result: Any) -> Mapping[str, int]:
        time.sleep(0.02)
        return super().counts(result)


class Allocates(Good):
    """Uses 64 MiB while it runs."""

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        b"x" * (64 * MIB)
        return super().run(prepared, shots, seed)


class BadAt(Good):
    """Does what :meth:`fault` says in the third call (first call, round 1, round 2), for ``shots`` above 1."""

    calls = 0

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        self.calls += 1
        if shots > 1 and self.calls >= 3:
            self.fault()
        return super().run(prepared, shots, seed)

    def fault(self) -> None:
        raise NotImplementedError


class FailsAtMany(Good):
    """Does what ``fault`` names in the first ``times`` calls of ``shots`` or more, which it counts in ``file``: a fault
    may end the process."""

    lies = False

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        if shots >= self.options["shots"] and self.faults_left():
            getattr(self, self.options["fault"])()
        return super().run(prepared, shots, seed)

    def faults_left(self) -> bool:
        with Path(self.options["file"]).open("a+") as file:
            file.write("x")
            return file.tell() <= self.options["times"]

    def hang(self) -> None:
        time.sleep(60)

    def crash(self) -> None:
        ctypes.string_at(0)

    def fail(self) -> None:
        raise ValueError("so many shots")

    def exhaust(self) -> None:
        raise MemoryError("a table of all shots")

    def lie(self) -> None:
        self.lies = True

    def counts(self, result: Any) -> Mapping[str, int]:
        good = super().counts(result)
        return {key: value + 1 for key, value in good.items()} if self.lies else good


class FailsToPrepare(Good):
    """Raises in ``prepare``, and notes each time in ``file``."""

    def prepare(self, program: Program) -> Any:
        with Path(self.options["file"]).open("a") as file:
            file.write("x")
        raise ValueError("no such form")


class HoldsLock(BadAt):
    """Waits for ever inside native code, with the interpreter lock held and ``SIGTERM`` ignored."""

    def fault(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ctypes.PyDLL(None).pause()


class LoopsInC(BadAt):
    """Computes for ever inside native code, without the interpreter lock."""

    def fault(self) -> None:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


class Stopped(BadAt):
    """Stops itself."""

    def fault(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


class Segfault(BadAt):
    def fault(self) -> None:
        print("about to fail")
        ctypes.string_at(0)


class KillsItself(BadAt):
    def fault(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class KillsGuardian(BadAt):
    def fault(self) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)


class Exits(BadAt):
    def fault(self) -> None:
        os._exit(self.options["status"])


class EatsMemory(BadAt):
    """Grows far past what the tests allow, but not without end should nobody stop it."""

    def fault(self) -> None:
        chunks = [b"x" * (8 * MIB) for _ in range(100)]
        time.sleep(60)
        del chunks


class ChildrenEatMemory(BadAt):
    """Three processes that fit one by one, but not together."""

    def fault(self) -> None:
        code = f"import time; block = b'x' * ({100 * MIB}); time.sleep(60)"
        for _ in range(3):
            subprocess.Popen([sys.executable, "-S", "-c", code])
        time.sleep(60)


class SharesMemory(Good):
    """Forked children that share 100 MiB with their parent: many times that by resident memory, but not really."""

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        block = b"x" * (100 * MIB)
        children = [fork_and_sleep(0.3) for _ in range(3)]
        for child in children:
            os.waitpid(child, 0)
        del block
        return super().run(prepared, shots, seed)


def fork_and_sleep(seconds: float) -> int:
    """Fork a child that sleeps and exits; its process id."""
    child = os.fork()
    if child == 0:
        time.sleep(seconds)
        os._exit(0)
    return child


class LeavesChild(BadAt):
    """Starts a process that runs on, writes its id to ``file``, then does what ``then`` says."""

    def fault(self) -> None:
        file = Path(self.options["file"])
        kind = self.options["kind"]
        if os.fork() == 0:
            if kind in ("session", "daemon"):
                os.setsid()
            if kind == "daemon" and os.fork() != 0:
                os._exit(0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            file.write_text(str(os.getpid()))
            time.sleep(60)
            os._exit(0)
        while not (file.exists() and file.read_text()):
            time.sleep(0.01)
        if self.options["then"] == "exit":
            os._exit(3)
        if self.options["then"] == "hang":
            time.sleep(60)


class Prints(Good):
    """Prints megabytes in every call, in Python and below it."""

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        for _ in range(20):
            print("garbage \xff \x00" * 5000)
            os.write(1, b"qbn\x01\xff\x00" * 10_000)
            os.write(2, bytes(range(256)) * 200)
        return super().run(prepared, shots, seed)


class WritesToDescriptors(BadAt):
    """Writes to every descriptor it may or may not own."""

    def fault(self) -> None:
        for descriptor in range(3, 100):
            try:
                os.write(descriptor, b"garbage")
            except OSError:
                continue


class HangsOnStart(Good):
    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        time.sleep(60)


class DiesOnStart(Good):
    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        with Path(options["file"]).open("a") as file:
            file.write("start\n")
        ctypes.string_at(0)


class NotInstalled(Good):
    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        import no_such_simulator  # noqa: F401


class NoDriver(Good):
    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        raise UnavailableError("no CUDA driver found", "apt install driver")


class BrokenOnStart(Good):
    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        raise ValueError("what nonsense")


class UnpicklableError(Exception):
    def __init__(self) -> None:
        super().__init__("lost the handle")
        self.handle = (threading.Lock(), (i for i in range(3)))

    def __reduce__(self) -> NoReturn:
        raise TypeError("can't pickle")


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


ERRORS = {
    "plain": lambda: ValueError("bad angle\nsecond line"),
    "unpicklable": UnpicklableError,
    "unspeakable": UnspeakableError,
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "memory": lambda: MemoryError("state of 40 qubits"),
    "torch": lambda: RuntimeError("CUDA out of memory. Tried to allocate 16.00 GiB."),
    "unsupported": lambda: UnsupportedError("no reset in this method"),
}


class Raises(BadAt):
    """Raises the error that ``error`` names."""

    def fault(self) -> None:
        raise ERRORS[self.options["error"]]()


class BadCounts(BadAt):
    """Answers with ``counts`` in the third call."""

    bad = False

    def fault(self) -> None:
        self.bad = True

    def counts(self, result: Any) -> Mapping[str, int]:
        good = super().counts(result)
        return self.options["counts"] if self.bad else good


class StopsTheClock(BadAt):
    """Makes the worker's clock run into NaN."""

    def fault(self) -> None:
        from pytest_qbench.measure import session

        session.perf_counter_ns = lambda: float("nan")
