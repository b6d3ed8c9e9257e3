"""How much room a file system has."""

from __future__ import annotations

import os
from pathlib import Path

from swarmhub_operator.decide.probes import Disk


def disk_of(path: Path) -> Disk | None:
    """Return the room of the file system that holds a path; None if it tells of none.

    Raises:
        OSError: it cannot be asked.
    """
    found = os.statvfs(path)
    if not found.f_blocks:
        return None
    return Disk(total=found.f_blocks * found.f_frsize, free=found.f_bavail * found.f_frsize)
