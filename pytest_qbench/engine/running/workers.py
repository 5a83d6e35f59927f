"""Several threads, each working on a part of the state that fits into its core's cache.

Torch's own threads share every single operation and wait for each other after it. Where the work falls into independent
chunks that is wasteful: here every thread takes the next chunk when it is done with one, so that none waits but at
the end, and a core that is busy with something else just takes fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TypeVar

import torch

MAX_WORKERS = 8
"""Starting operations takes Python's lock for a moment; more threads than this would mostly wait for it."""

SHORT = 1 << 19
"""Operations on fewer amplitudes are left to torch's own threads."""

ONE_THREAD = 1 << 17
"""Operations on fewer amplitudes are faster on one thread than on several, and much faster on a busy machine."""

T = TypeVar("T")

_in_turn: ContextVar[bool] = ContextVar("in_turn", default=False)
_allowed: ContextVar[int] = ContextVar("allowed", default=0)


def allowed_threads() -> int:
    """How many threads the engine may use: as many as torch may, outside of :func:`threads_for`."""
    return _allowed.get() or torch.get_num_threads()


@contextmanager
def threads_for(n_amplitudes: int) -> Iterator[None]:
    """Within this, torch uses one thread where states are short, and all that are allowed where they are not.

    Threads of torch that have rested wake up late, often on the very core of the one that waits for them: a call that
    takes a fraction of a millisecond on one thread then takes several. May be nested.
    """
    before, allowed = torch.get_num_threads(), allowed_threads()
    wanted = 1 if n_amplitudes < ONE_THREAD else allowed
    token = _allowed.set(allowed)
    if wanted != before:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        if wanted != before:
            torch.set_num_threads(before)
        _allowed.reset(token)


def side_by_side(items: Iterable[T], work: Callable[[Iterator[T], int], None]) -> None:
    """Call ``work(some of the items, i)`` in as many threads as torch may use, i being the number of the thread.

    Within ``work`` torch uses one thread. The items are handed out one by one. What a call raises is raised here.
    """
    before = torch.get_num_threads()
    n_workers = min(allowed_threads(), MAX_WORKERS)
    if n_workers == 1:
        work(iter(items), 0)
        return
    queue: SimpleQueue[T] = SimpleQueue()
    for item in items:
        queue.put(item)

    def worker(i: int) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            work(_taken_from(queue), i)

    try:
        if _in_turn.get():
            worker(0)
        else:
            executor = _executor(n_workers)
            futures = [executor.submit(worker, i) for i in range(n_workers)]
            if wait(futures, return_when=FIRST_EXCEPTION).not_done:
                for _ in _taken_from(queue):  # the others have nothing more to do
                    pass
            for future in futures:
                future.result()
    finally:
        torch.set_num_threads(before)  # the setting is not entirely one of a single thread


def in_parts(n: int, size: int, work: Callable[[slice], object], device: torch.device) -> None:
    """Call ``work`` for slices that cover ``range(n)``: a single one on a device, or where ``size`` numbers are few.

    After an operation of torch with several threads these keep spinning for a while, in the way of those that work on
    chunks. So between sweeps, too, the work is shared out here.
    """
    if device.type != "cpu" or size <= SHORT:
        work(slice(0, n))
        return

    def parts(slices: Iterator[slice], _: int) -> None:
        for some in slices:
            work(some)

    length = -(-n // MAX_WORKERS)
    side_by_side((slice(start, min(start + length, n)) for start in range(0, n, length)), parts)


@contextmanager
def in_turn() -> Iterator[None]:
    """Within this, all is done by the calling thread, one chunk after another, so that a profiler sees it."""
    token = _in_turn.set(True)
    try:
        yield
    finally:
        _in_turn.reset(token)


def _taken_from(queue: SimpleQueue[T]) -> Iterator[T]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


@lru_cache(maxsize=1)
def _executor(n_workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_workers, thread_name_prefix="qbench-chunk")
