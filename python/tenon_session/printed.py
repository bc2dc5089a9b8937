"""Standard output and standard error of statements: what is written becomes messages."""

from __future__ import annotations

import io
import threading
import time
from typing import List

from tenon_session.channel import Channel
from tenon_session.interrupts import Interrupts

# Of a message; as JSON it stays shorter than a line may be.
_PIECE_CHARS = 30_000
_PATIENCE_SECONDS = 0.2


class Printed(io.TextIOBase):
    """A text stream without a file. What is written is on its way after a moment, and at the end of the statement."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, channel: Channel, interrupts: Interrupts) -> None:
        super().__init__()
        self._channel = channel
        self._interrupts = interrupts
        self._lock = threading.RLock()
        self._texts: List[str] = []
        self._chars = 0
        self._sent = 0.0
        self._statement = 0

    def begin(self, statement: int) -> None:
        """From now on what is written belongs to this statement; to none if 0."""
        with self._interrupts.held(), self._lock:
            self.flush()
            self._statement = statement

    def write(self, text: str) -> int:
        """Takes a text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._interrupts.held(), self._lock:
            self._texts.append(text)
            self._chars += len(text)
            if self._chars >= _PIECE_CHARS or time.monotonic() - self._sent > _PATIENCE_SECONDS:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Sends what was written."""
        with self._interrupts.held(), self._lock:
            text, self._texts, self._chars = "".join(self._texts), [], 0
            if text:
                self._sent = time.monotonic()
            for at in range(0, len(text), _PIECE_CHARS):
                self._channel.send({"print": text[at : at + _PIECE_CHARS], "of": self._statement})

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Nobody types."""
        return False

    def close(self) -> None:
        """Does nothing: later statements print, too."""
        self.flush()

    def fileno(self) -> int:
        """Standard error: what a child is told to write here goes to the log."""
        return 2
