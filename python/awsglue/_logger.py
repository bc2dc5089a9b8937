"""The logger that `glueContext.get_logger()` returns: the calls of a Java logger, the records of Python's."""

from __future__ import annotations

import logging
import sys

_NAME = "GlueLogger"
_LEVELS = {
    "ALL": logging.DEBUG, "TRACE": logging.DEBUG, "DEBUG": logging.DEBUG, "INFO": logging.INFO,
    "WARN": logging.WARNING, "ERROR": logging.ERROR, "FATAL": logging.CRITICAL, "OFF": logging.CRITICAL + 10,
}


class _ErrorOutput(logging.StreamHandler):
    """The error output as it is now, not as it was when the first message was written."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self):
        return sys.stderr


def _logger() -> logging.Logger:
    logger = logging.getLogger(_NAME)
    if not logger.handlers:
        handler = _ErrorOutput()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


def set_level(level: str) -> None:
    """Sets the level by Spark's name for it."""
    _logger().setLevel(_LEVELS[level])


class GlueLogger:
    """Writes the script's messages to the error output, from where a run's log takes them."""

    def info(self, msg: object) -> None:
        """Says what happens."""
        _logger().info("%s", msg)

    def warn(self, msg: object) -> None:
        """Says what was unexpected and survived."""
        _logger().warning("%s", msg)

    warning = warn

    def error(self, msg: object) -> None:
        """Says what failed."""
        _logger().error("%s", msg)

    def debug(self, msg: object) -> None:
        """Says what only an author wants to know."""
        _logger().debug("%s", msg)

    def trace(self, msg: object) -> None:
        """As `debug`."""
        _logger().debug("%s", msg)
