"""Threads that take turns: one runs at a time, and a seed decides who is next.

Stands in for `threading`, `time` and thread pools in the modules of a program, which then runs as
it is, in virtual time, in an order that can be repeated. Each wait, each lock that is held by
another, and each call of `pause` is where another thread may go on.
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable
from typing import Any

from simulation.clock import VirtualClock

REAL_TIMEOUT = 60.0  # seconds of real time that one turn may take
_current = threading.local()


class Killed(BaseException):
    """Ends a thread at the place where it waits, as a crash of its process does."""


class Stuck(Exception):  # noqa: N818 - says what is the matter
    """A turn did not end, or nobody will ever have one again."""


class _Hand:
    """A real thread, lent to one actor after the other: to make one takes longer than a run."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def take(self, job: Callable[[], None]) -> None:
        """Do a job, and be idle again after it."""
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            _IDLE.append(self)


_IDLE: list[_Hand] = []


class Actor:
    """One thread of the program."""

    def __init__(self, stage: Stage, name: str, job: Callable[[], None]) -> None:
        self.name = name
        self.ended = False
        self.error: BaseException | None = None
        self.due: float | None = 0.0
        self.ready: Callable[[], bool] | None = None
        self._stage = stage
        self._job = job
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._hand = _IDLE.pop() if _IDLE else _Hand()
        self._hand.take(self._run)

    def _run(self) -> None:
        self._go.acquire()
        _current.actor = self
        try:
            if not self._stage.killed:
                self._job()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - told to whoever drives
            self.error = error
        _current.actor = None
        self.ended = True
        self._back.release()

    def turn(self) -> None:
        """Let this thread run until it waits or ends; called by whoever drives."""
        self._go.release()
        if not self._back.acquire(timeout=REAL_TIMEOUT):
            raise Stuck(f"The thread {self.name} has not waited for {REAL_TIMEOUT:g} s.")

    def give_way(self) -> None:
        """Let others run until it is this thread's turn again; called by this thread."""
        self._back.release()
        self._go.acquire()
        if self._stage.killed:
            raise Killed


class Stage:
    """Whose turn it is; made anew for each start of the program.

    Attributes:
        killed: whether the program has crashed: every thread ends where it waits.
        turns: how many turns were taken.
    """

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        self.clock = clock
        self.killed = False
        self.turns = 0
        self._random = random.Random(seed)
        self._actors: list[Actor] = []

    def spawn(self, name: str, job: Callable[[], None]) -> Actor:
        """Start a thread; its first turn comes later."""
        actor = Actor(self, name, job)
        self._actors.append(actor)
        return actor

    def pause(self, seconds: float | None = 0.0, ready: Callable[[], bool] | None = None) -> None:
        """Wait for `seconds` (None: for ever), or until `ready`; called by a thread of the stage.

        Whoever drives passes through: nobody else runs meanwhile.
        """
        actor: Actor | None = getattr(_current, "actor", None)
        if actor is None:
            return
        if self.killed:
            raise Killed
        actor.due = None if seconds is None else self.clock.monotonic() + seconds
        actor.ready = ready
        actor.give_way()

    def _runnable(self) -> list[Actor]:
        now = self.clock.monotonic()
        return [
            a
            for a in self._actors
            if (a.due is not None and a.due <= now) or (a.ready is not None and a.ready())
        ]

    def step(self, until: float) -> bool:
        """Give one thread its turn, or else let time pass; False if nothing is left before `until`.

        Raises:
            BaseException: what a thread ended with.
        """
        runnable = self._runnable()
        if runnable:
            self._turn(self._random.choice(runnable))
            return True
        dues = [a.due for a in self._actors if a.due is not None]
        dues += [due] if (due := self.clock.next_due()) is not None else []
        if not dues or min(dues) > until:
            self.clock.advance(max(0.0, until - self.clock.monotonic()))
            return bool(self._runnable())
        self.clock.advance(max(0.0, min(dues) - self.clock.monotonic()))
        return True

    def _turn(self, actor: Actor) -> None:
        self.turns += 1
        actor.turn()
        if actor.ended:
            self._actors.remove(actor)
            if actor.error is not None:
                raise actor.error

    def kill(self) -> None:
        """Crash the program: no thread does anything any more."""
        self.killed = True
        for actor in tuple(self._actors):
            actor.turn()
        self._actors.clear()

    def threading(self) -> Any:
        """Return what stands in for the module `threading`."""
        return _Threading(self)

    def time(self) -> Any:
        """Return what stands in for the module `time`."""
        return _Time(self)


class _Time:
    def __init__(self, stage: Stage) -> None:
        self.monotonic = stage.clock.monotonic
        self.sleep = stage.pause


class _Threading:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def Thread(  # noqa: N802 - the name in `threading`
        self, target: Callable[[], None], name: str = "", daemon: bool = True
    ) -> VirtualThread:
        return VirtualThread(self._stage, target, name)

    def Event(self) -> VirtualEvent:  # noqa: N802
        return VirtualEvent(self._stage)

    def Lock(self) -> VirtualLock:  # noqa: N802
        return VirtualLock(self._stage)

    def Condition(self) -> VirtualCondition:  # noqa: N802
        return VirtualCondition(self._stage)

    def current_thread(self) -> Any:
        return getattr(_current, "actor", None) or threading.current_thread()


class VirtualThread:
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


class VirtualEvent:
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


class VirtualLock:
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


class VirtualCondition(VirtualLock):
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
