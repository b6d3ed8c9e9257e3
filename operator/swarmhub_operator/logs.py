"""Logs: one JSON object a line, or a readable form on a terminal."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any

import structlog

_REQUEST = "request"


def configure(level: str = "INFO") -> None:
    """Set up structlog for this process.

    Args:
        level: a name that the logging module knows.
    """
    terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def silence() -> None:
    """Log nothing: a command says itself what a person should know, and prints for programs."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=False,
    )


@contextlib.contextmanager
def told_with_request() -> Iterator[None]:
    """Have whatever this thread logs in the block tell the request that `note_request` names."""
    try:
        yield
    finally:
        structlog.contextvars.unbind_contextvars(_REQUEST)


def note_request(request: str) -> None:
    """Name the write of a spec that this thread acts upon; see `Metadata.request`."""
    structlog.contextvars.bind_contextvars(**{_REQUEST: request})


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """Return a logger that follows `configure`, whenever that is called."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
