"""Bounded waiting for what becomes true by itself."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(what: str, check: Callable[[], T], timeout: float = 60, pause: float = 0.1) -> T:
    """Call `check` until it returns something true, and return that.

    Args:
        what: completes the sentence "Waited 30 s in vain for …".
        check: called again and again; what it raises is not caught.
        timeout: seconds.
        pause: seconds between two calls.

    Raises:
        TimeoutError: it did not become true; the message holds what `check` returned last.
    """
    deadline = time.monotonic() + timeout
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout:g} s in vain for {what}; last seen: {result!r}.")
        time.sleep(pause)
