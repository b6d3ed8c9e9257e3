"""Progress of a run, to whoever waits for it."""

from __future__ import annotations

import sys
import time

_BEGAN = time.monotonic()


def say(what: str) -> None:
    """Print one line with the time since the beginning."""
    sys.stderr.write(f"{time.monotonic() - _BEGAN:6.0f} s  {what}\n")
