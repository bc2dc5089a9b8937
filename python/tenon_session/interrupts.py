"""Ending a statement from outside: an exception in the main thread, where that does no harm."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import Any, Iterator, Optional


class Interrupts:
    """Makes a signal a `KeyboardInterrupt` in the statement that is to be cancelled, and in nothing else.

    Made in the main thread, which runs the statements. The signal is not `SIGINT`: at that the engine in this process ends.
    """

    def __init__(self) -> None:
        self._main = threading.main_thread()
        self._running: Optional[int] = None
        self._held = 0
        self._pending = False
        signal.signal(signal.SIGUSR1, self._signalled)

    @contextmanager
    def statement(self, number: int) -> Iterator[None]:
        """Runs what is inside as the statement of this number."""
        self._pending = False
        self._running = number
        try:
            yield
        finally:
            self._running = None

    def cancel(self, number: int) -> None:
        """Interrupts the statement of this number if it is the one that runs; from any thread."""
        if self._running == number:
            signal.pthread_kill(self._main.ident, signal.SIGUSR1)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Puts interrupts off until what is inside is done."""
        if threading.current_thread() is not self._main:
            yield
            return
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._pending and self._held == 0 and self._running is not None:
                self._pending = False
                raise KeyboardInterrupt

    def _signalled(self, *_: Any) -> None:
        if self._running is None:
            return
        if self._held:
            self._pending = True
            return
        raise KeyboardInterrupt
