"""Threads that take turns: one runs at a time, and a seed decides who is next.

Stands in for `threading` and `time` in the modules of a program, which then runs as it is, in
virtual time, in an order that can be repeated. Each wait, each lock that is held by another, and
each call of `pause` is where another thread may go on. A thread is a greenlet: to change from one
to the other costs a microsecond, and a run has thousands of changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from greenlet import getcurrent, greenlet
from simswarm.clock import VirtualClock


class Killed(BaseException):
    """Ends a thread at the place where it waits, as a crash of its process does."""


class Process:
    """The threads of one program, which live and die together.

    Attributes:
        killed: whether it has crashed: each of its threads ends where it waits.
        paused: whether it is stopped for a while, as by SIGSTOP; it misses nothing but time.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.killed = False
        self.paused = False


class Actor:
    """One thread of a process.

    Attributes:
        read: what it last read of the records, and whether that was "ok", "empty" or "failed".
        generation: of the record that it last read by its name.
    """

    def __init__(self, stage: Stage, process: Process, name: str, job: Callable[[], None]) -> None:
        self.name = name
        self.process = process
        self.ended = False
        self.error: BaseException | None = None
        self.due: float | None = 0.0
        self.ready: Callable[[], bool] | None = None
        self.read = ("nothing", "failed")
        self.generation = 0
        self._job = job
        self._thread = greenlet(self._run, parent=stage.driver)

    def _run(self) -> None:
        try:
            self._job()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - told to whoever drives
            self.error = error
        self.ended = True

    def turn(self) -> None:
        """Let this thread run until it waits or ends; called by whoever drives."""
        if not self.process.killed:
            self._thread.switch()
            return
        if self._thread:  # it has begun
            self._thread.throw(Killed)
        self.ended = True


class Stage:
    """Whose turn it is.

    Attributes:
        driver: the thread of whoever drives.
        current: the thread whose turn it is; None while the driver is at work.
        turns: how many turns were taken.
    """

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        self.clock = clock
        self.driver = getcurrent()
        self.current: Actor | None = None
        self.turns = 0
        self._random = random.Random(seed)
        self._actors: list[Actor] = []

    @property
    def process(self) -> Process | None:
        """The process whose turn it is."""
        return self.current.process if self.current else None

    def spawn(self, name: str, job: Callable[[], None], process: Process | None = None) -> Actor:
        """Start a thread of `process`, or else of the one whose turn it is; its turn comes later.

        Raises:
            RuntimeError: it is nobody's turn.
        """
        owner = process or self.process
        if owner is None:
            raise RuntimeError("A thread needs a process; name it, or start it from another.")
        actor = Actor(self, owner, name, job)
        self._actors.append(actor)
        return actor

    def pause(self, seconds: float | None = 0.0, ready: Callable[[], bool] | None = None) -> None:
        """Wait for `seconds` (None: for ever), or until `ready`; called by a thread of the stage.

        Whoever drives passes through: nobody else runs meanwhile.

        Raises:
            Killed: the process has crashed.
        """
        actor = self.current
        if actor is None:
            return
        self.live()
        actor.due = None if seconds is None else self.clock.monotonic() + seconds
        actor.ready = ready
        self.current = None
        try:
            self.driver.switch()
        finally:
            self.current = actor
        self.live()

    def live(self) -> None:
        """Go on, if the process whose turn it is still lives.

        Raises:
            Killed: it has crashed: the end of a crashed thread touches nothing.
        """
        if self.current is not None and self.current.process.killed:
            raise Killed

    def _awake(self) -> list[Actor]:
        return [a for a in self._actors if not a.process.paused]

    def _runnable(self) -> list[Actor]:
        now = self.clock.monotonic()
        return [
            a
            for a in self._awake()
            if (a.due is not None and a.due <= now) or (a.ready is not None and a.ready())
        ]

    def step(self, until: float) -> bool:
        """Give one thread its turn, or else let time pass; False if nothing is left before `until`.

        Raises:
            BaseException: what a thread ended with.
        """
        self.bury()
        runnable = self._runnable()
        if runnable:
            self._turn(self._random.choice(runnable))
            return True
        dues = [a.due for a in self._awake() if a.due is not None]
        dues += [due] if (due := self.clock.next_due()) is not None else []
        if not dues or min(dues) > until:
            self.clock.advance(max(0.0, until - self.clock.monotonic()))
            return bool(self._runnable())
        self.clock.advance(max(0.0, min(dues) - self.clock.monotonic()))
        return True

    def _turn(self, actor: Actor) -> None:
        self.turns += 1
        self.current = actor
        try:
            actor.turn()
        finally:
            self.current = None
        if actor.ended:
            self._actors.remove(actor)
            if actor.error is not None:
                raise actor.error

    def bury(self) -> None:
        """End the threads of the processes that have crashed."""
        for actor in [a for a in self._actors if a.process.killed]:
            self._turn(actor)
