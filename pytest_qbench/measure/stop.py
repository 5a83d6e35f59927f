"""A way for one thread to stop others that wait for their workers."""

from __future__ import annotations

import os
import weakref


class Stop:
    """A descriptor that becomes readable when :meth:`give` is called, and stays so."""

    def __init__(self) -> None:
        self.descriptor, write = os.pipe()
        self._close_reader = weakref.finalize(self, os.close, self.descriptor)
        self._close_writer = weakref.finalize(self, os.close, write)

    def give(self) -> None:
        """Stop everything that waits with the descriptor, now and later."""
        self._close_writer()  # once: the end of a pipe that nobody can write to any more is readable
