"""How the operator's interpreter runs; tried in one of its own, since it holds for all threads."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, sys, threading
from swarmhub_operator import interpreter
interpreter.FULL_EVERY = 0.01
full = threading.Event()
gc.callbacks.append(lambda _, info: info["generation"] == 2 and full.set())
stop = threading.Event()
interpreter.tune(stop)
assert full.wait(10), "nothing old is ever collected"
thread = next(t for t in threading.enumerate() if t.name == "memory")
stop.set()
thread.join(10)
assert not thread.is_alive(), "it goes on"
full.clear()
kept = [[] for _ in range(1_000_000)]
assert not full.is_set(), "a full collection stops all threads in the midst of work"
assert sys.getswitchinterval() < 0.001
"""


def test_old_garbage_is_collected_seldom_and_yet_at_last() -> None:
    """By a thread of its own, and not whenever many objects are made."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
