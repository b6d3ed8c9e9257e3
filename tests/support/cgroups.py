"""Control groups that an engine makes for its containers, in either version's file tree."""

import os
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def places(name: str) -> list[Path]:
    """Where a top-level control group of this name exists; `name` may be a pattern with a star."""
    return [place for place in (*_ROOT.glob(name), *_ROOT.glob(f"*/{name}")) if place.is_dir()]


def remove(name: str, timeout: float = 10) -> None:
    """Remove a control group, with all below it, from every hierarchy.

    Raises:
        OSError: one was still in use after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    for top in places(name):
        for folder, _, _ in os.walk(top, topdown=False):
            while not _removed(Path(folder), deadline):
                time.sleep(0.05)


def _removed(folder: Path, deadline: float) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        # The kernel frees a group a moment after its last process has ended.
        if time.monotonic() > deadline:
            raise
        return False
    return True
