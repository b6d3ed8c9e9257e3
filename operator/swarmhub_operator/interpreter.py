"""How the interpreter runs, so that no thread waits long for what another one does.

Only one thread runs Python at a time. Two things make others wait longer than they need: a thread
may run for 5 ms before it gives way, and a full collection of cyclic garbage stops all of them for
as long as it takes to go through every object: 0.1 s with a thousand notebooks, several times a
minute, since each list of the Swarm makes many objects that live for a moment.
"""

from __future__ import annotations

import gc
import sys
import threading
from typing import Final

GIVE_WAY_AFTER: Final = 0.0002  # seconds
YOUNG: Final = 5_000  # objects, after which the young ones are looked through
FULL_EVERY: Final = 900.0  # seconds
_BY_ITSELF_NEVER: Final = 2**31 - 1


def tune(stop: threading.Event) -> None:
    """Let threads give way soon, and collect what is old seldom; until `stop` is set.

    Garbage that dies young, as nearly all does, is collected as always.
    """
    sys.setswitchinterval(GIVE_WAY_AFTER)
    gc.freeze()  # what has been imported stays
    gc.set_threshold(YOUNG, gc.get_threshold()[1], _BY_ITSELF_NEVER)
    threading.Thread(target=_collect, args=(stop,), name="memory", daemon=True).start()


def _collect(stop: threading.Event) -> None:
    while not stop.wait(FULL_EVERY):
        gc.collect()
