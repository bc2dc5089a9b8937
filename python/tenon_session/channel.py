"""The two ends that the process has: messages to the server, and lines from it."""

from __future__ import annotations

import json
import os
import threading
from typing import Any, Dict, Iterator

from tenon_session.interrupts import Interrupts

# In the working folder; the server opens its other end once it is told that the process is ready.
PIPE = "statements"
_READ_BYTES = 1 << 16


class Channel:
    """Messages to the server. No message is ever written in part, whoever is interrupted meanwhile."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._lock = threading.Lock()
        # Children inherit neither end.
        self._out = os.dup(1)
        os.dup2(2, 1)

    def send(self, message: Dict[str, Any]) -> None:
        """Writes a message; waits while the server is slow to read."""
        line = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._interrupts.held(), self._lock:
            while line:
                line = line[os.write(self._out, line) :]


def lines() -> Iterator[Dict[str, Any]]:
    """Messages of the server, for ever: when it is gone the process is killed, not told."""
    os.mkfifo(PIPE, 0o600)
    # For both directions: opening waits for nobody, and reading never ends.
    pipe = os.open(PIPE, os.O_RDWR)
    return _lines(pipe)


def _lines(pipe: int) -> Iterator[Dict[str, Any]]:
    rest = b""
    while True:
        *whole, rest = (rest + os.read(pipe, _READ_BYTES)).split(b"\n")
        for line in whole:
            yield json.loads(line)
