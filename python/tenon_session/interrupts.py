"""Ending a statement from outside: an exception in the main thread, where that does no harm.

An exception out of nowhere harms where a lock has just been taken, or is about to be given back: it stays taken, and whoever needs
it next waits for ever. So an interrupt is put off there, in the libraries named to `spare` (the client of the engine), and in
`held`. Whoever wants it asks again and again; it also comes when a `waiting` call is over, which asking brings to its end.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Iterator, Optional, Tuple

from tenon_session.statements import PLACE

# Locks of queues, events and pools, too: the lock itself is taken and given back inside.
_TAKING = (threading.Condition.__enter__.__code__, threading.Condition.__exit__.__code__)
# After so long it may be that what is spared never comes to its end by itself.
_PATIENCE_SECONDS = 10.0


class Interrupts:
    """Makes a signal a `KeyboardInterrupt` in the statement that is to be cancelled, and in nothing else.

    Made in the main thread, which runs the statements. The signal is not `SIGINT`: at that the engine in this process ends.
    """

    def __init__(self) -> None:
        self._main = threading.main_thread()
        self._running: Optional[int] = None
        self._held = 0
        # Since when an interrupt is due.
        self._due: Optional[float] = None
        self._stop: Optional[Callable[[], Any]] = None
        self._spared: Tuple[str, ...] = ()
        signal.signal(signal.SIGUSR1, self._signalled)

    def spare(self, *folders: str) -> None:
        """Puts interrupts off while code in these folders is at work."""
        self._spared += folders

    @contextmanager
    def statement(self, number: int) -> Iterator[None]:
        """Runs what is inside as the statement of this number."""
        self._due = None
        self._running = number
        try:
            yield
        finally:
            self._running = None

    def cancel(self, number: int) -> None:
        """Interrupts the statement of this number if it is the one that runs; from the thread that hands statements on."""
        if self._running != number:
            return
        if self._due is None:
            self._due = time.monotonic()
        signal.pthread_kill(self._main.ident, signal.SIGUSR1)
        stop = self._stop
        if stop is not None:
            stop()

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
            self._strike_if_due()

    @contextmanager
    def waiting(self, stop: Callable[[], Any]) -> Iterator[None]:
        """As `held`, for what may take long: `stop`, called from another thread, brings it to its end. Not begun if one is due."""
        if threading.current_thread() is not self._main:
            yield
            return
        self._strike_if_due()
        with self.held():
            self._stop = stop
            try:
                yield
            finally:
                self._stop = None

    def _strike_if_due(self) -> None:
        if self._due is not None and self._held == 0 and self._running is not None:
            self._due = None
            raise KeyboardInterrupt from None

    def _signalled(self, _: int, frame: Optional[FrameType]) -> None:
        if self._due is not None and self._may_strike(frame, self._due):
            self._strike_if_due()

    def _may_strike(self, frame: Optional[FrameType], due: float) -> bool:
        is_late = time.monotonic() - due > _PATIENCE_SECONDS
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(PLACE):
                return True
            if not is_late and (code in _TAKING or code.co_filename.startswith(self._spared)):
                return False
            frame = frame.f_back
        # The statement has not begun, or is over.
        return False
