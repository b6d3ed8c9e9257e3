"""What stands in for the modules `threading` and `time` on a stage, as far as the operator goes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from simulation.stage import Actor, Stage


class Time:
    """As the module `time`."""

    def __init__(self, stage: Stage) -> None:
        self.monotonic = stage.clock.monotonic
        self.sleep = stage.pause


class Threading:
    """As the module `threading`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def Thread(  # noqa: N802 - the name in `threading`
        self,
        target: Callable[..., None],
        name: str = "",
        args: tuple[object, ...] = (),
        daemon: bool = True,
    ) -> Thread:
        """Make a thread."""
        return Thread(self._stage, lambda: target(*args), name)

    def Event(self) -> Event:  # noqa: N802
        """Make an event."""
        return Event(self._stage)

    def Lock(self) -> Lock:  # noqa: N802
        """Make a lock."""
        return Lock(self._stage)

    def Condition(self) -> Condition:  # noqa: N802
        """Make a condition."""
        return Condition(self._stage)

    def current_thread(self) -> Actor | threading.Thread:
        """Return the thread whose turn it is."""
        return self._stage.current or threading.current_thread()


class Thread:
    """As `threading.Thread`."""

    def __init__(self, stage: Stage, target: Callable[[], None], name: str) -> None:
        self.name = name
        self._stage = stage
        self._target = target
        self._actor: Actor | None = None

    def start(self) -> None:
        """Start."""
        self._actor = self._stage.spawn(self.name, self._target)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end."""
        actor = self._actor
        if actor is not None and not actor.ended:
            self._stage.pause(timeout, lambda: actor.ended)

    def is_alive(self) -> bool:
        """Tell whether it has begun and not ended."""
        return self._actor is not None and not self._actor.ended


class Event:
    """As `threading.Event`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._set = False

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it."""
        self._set = True

    def clear(self) -> None:
        """Take it back."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set."""
        if not self._set:
            self._stage.pause(timeout, self.is_set)
        return self._set


class Lock:
    """As `threading.Lock`, as a context manager."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._held = False

    def __enter__(self) -> bool:
        while self._held:
            self._stage.pause(None, lambda: not self._held)
        self._held = True
        return True

    def __exit__(self, *_: object) -> None:
        self._held = False


class Condition(Lock):
    """As `threading.Condition`."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._notified = 0

    def notify(self) -> None:
        """Wake who waits; that all look again does no harm."""
        self._notified += 1

    notify_all = notify

    def wait(self, timeout: float | None = None) -> None:
        """Let go of the lock until notified."""
        seen, self._held = self._notified, False
        try:
            self._stage.pause(timeout, lambda: self._notified != seen)
        finally:
            self.__enter__()


class Pool:
    """As `concurrent.futures.ThreadPoolExecutor`, as far as the prober uses it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def submit(self, job: Callable[..., None], *arguments: object) -> None:
        """Run a job in a thread of its own."""
        self._stage.spawn("probe", lambda: job(*arguments))

    def shutdown(self, **_: object) -> None:
        """Do nothing: the threads end by themselves."""
