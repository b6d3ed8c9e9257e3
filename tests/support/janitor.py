"""Clean up after a test run, however the run ended.

A `Janitor` starts one small process in a session of its own and tells it, over a pipe, how to undo
each thing that is made. When the pipe closes, because the run closed it or because the run was
killed, that process undoes what is left, last made first. There is thus one way of cleaning up,
and each ordinary run tries it.

Run as `python -m support.janitor`, this module is that process.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from support import cgroups, forwarding, links
from support.processes import ProcessId
from support.shell import CommandError, run

Undo = tuple[str, ...]


class CleanupError(RuntimeError):
    """Something that a test run made could not be removed."""


class Janitor:
    """The test run's end of the pipe."""

    def __init__(self, keep_open: Sequence[int] = ()) -> None:
        """Start the cleaning process.

        Args:
            keep_open: file descriptors that it shares, so that a lock on one of them is held
                until all is clean.
        """
        tests = str(Path(__file__).parents[1])
        known = os.environ.get("PYTHONPATH")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.janitor"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=keep_open,
            env={**os.environ, "PYTHONPATH": f"{tests}:{known}" if known else tests},
        )

    def remember(self, key: str, *undo: str) -> None:
        """Have `undo` done at the end.

        Args:
            key: names the thing, so that it can be forgotten again.
            undo: one of ("run", program, argument…), ("end", pid, start time), ("rmtree", path),
                ("rmlink", interface), ("rmcgroup", name), ("forwarding", bridge).
        """
        self._tell({"key": key, "undo": undo})

    def forget(self, key: str) -> None:
        """Do nothing about `key` at the end, because it is gone already."""
        self._tell({"key": key, "undo": None})

    def _tell(self, message: object) -> None:
        if self._process.stdin is None or self._process.stdin.closed:
            raise RuntimeError("The cluster is closed already.")
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def finish(self, timeout: float = 300) -> None:
        """Have everything undone that is not forgotten; a second call does nothing.

        Raises:
            CleanupError: something could not be undone, or not within `timeout` seconds.
        """
        if self._process.stdin is None or self._process.stdin.closed:
            return
        try:
            _, complaints = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise CleanupError(f"Cleaning up took longer than {timeout:g} s.") from None
        if self._process.returncode != 0:
            raise CleanupError(complaints.strip())


def remove_tree(path: str | Path, timeout: float = 10) -> None:
    """Remove a directory that an engine used; mounts in it go a moment after its last process.

    Raises:
        OSError: something in it was still in use after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while Path(path).exists():
        try:
            shutil.rmtree(path)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _run(*argv: str) -> None:
    run(*argv, timeout=30)


_UNDO: dict[str, Callable[..., None]] = {
    "run": _run,
    "end": lambda pid, started: ProcessId(int(pid), int(started)).end(),
    "rmtree": remove_tree,
    "rmlink": links.remove,
    "rmcgroup": cgroups.remove,
    "forwarding": forwarding.release,
}


def _main() -> int:
    left: dict[str, Undo] = {}
    for line in sys.stdin:
        message = json.loads(line)
        left.pop(message["key"], None)
        if message["undo"] is not None:
            left[message["key"]] = tuple(message["undo"])
    complaints = []
    for key, (kind, *arguments) in reversed(left.items()):
        try:
            _UNDO[kind](*arguments)
        except (OSError, CommandError) as failed:
            complaints.append(f"Could not remove {key}: {failed}")
    with contextlib.suppress(OSError):
        sys.stderr.write("\n".join(complaints))
        sys.stderr.flush()
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(_main())
