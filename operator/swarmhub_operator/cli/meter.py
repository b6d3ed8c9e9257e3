"""How far copying has come, on standard error: a bar for people, now and then a line for logs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from swarmhub_operator.cli.output import warn

LINE_EVERY = 10.0  # seconds
COLUMNS = "SWARMHUB_COLUMNS"  # width of the terminal that standard error ends up at, if it does

Meter = Callable[[int], None]  # is told of so many more bytes


@contextmanager
def metered(what: str, total: int | None) -> Iterator[Meter]:
    """Show the progress of a block that copies about `total` bytes."""
    console = _console()
    if console is None:
        yield _Lines(what, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def _console() -> Console | None:
    """Return the terminal at the other end of standard error, or None if nobody looks."""
    told = os.environ.get(COLUMNS, "")
    if told.isdecimal():  # by the command that runs us in a container, whose pipe ends there
        return Console(stderr=True, force_terminal=True, width=max(20, int(told)))
    return Console(stderr=True) if sys.stderr.isatty() else None


class _Lines:
    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = f" of about {decimal(total)}" if total else ""
        self._done = 0
        self._told_at = time.monotonic()

    def __call__(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._told_at >= LINE_EVERY:
            self._told_at = now
            warn(f"{self._what}: {decimal(self._done)}{self._total}")


def through(chunks: Iterable[bytes], meter: Meter) -> Iterator[bytes]:
    """Yield chunks, and tell the meter."""
    for chunk in chunks:
        yield chunk
        meter(len(chunk))
