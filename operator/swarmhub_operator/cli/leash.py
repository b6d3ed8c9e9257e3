"""Ends a command whose caller has gone, where neither signals nor broken pipes tell it.

`docker exec` without a terminal forwards no signal, and the engine goes on reading what a program
writes whose client has died. But it closes the program's standard input: the script on the host
(`images/bin/swarmhub`) gives one that nobody writes to and that lives as long as its client, to
commands that read none themselves.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping

LEASH = "SWARMHUB_LEASH"  # set by the script if standard input is such a one


def take(environment: Mapping[str, str] = os.environ) -> None:
    """End this process as SIGTERM does once standard input ends, if that is what it is for."""
    if environment.get(LEASH):
        threading.Thread(
            target=_wait, args=(sys.stdin.fileno(),), name="leash", daemon=True
        ).start()


def _wait(descriptor: int) -> None:
    while os.read(descriptor, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
