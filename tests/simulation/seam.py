"""Where an operator meets the world: each call to its engine and its store passes here.

Calls that change something are numbered, so that a plan can name the one at which something
happens.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from simulation.stage import Killed, Process, Stage

T = TypeVar("T")


class Moment(StrEnum):
    """Where in a call something happens."""

    BEFORE = "before it is sent"
    LOST = "applied, its answer lost"
    AFTER = "after its answer"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operator.

    Attributes:
        number: which one it is among the changing calls of the run; -1 if it changes nothing.
        process: the name of the operator's process.
        side: what is called: the engine or the store.
        verb: method and path with ID in place of ids, or the store's method.
        target: the name of what it is about.
    """

    number: int
    process: str
    side: str
    verb: str
    target: str

    @property
    def changing(self) -> bool:
        """Whether it may change something."""
        return self.number >= 0

    def __str__(self) -> str:
        return f"#{self.number} {self.process} {self.side} {self.verb} {self.target}"


@dataclass(frozen=True, slots=True)
class Crash:
    """The process ends."""

    at: Moment


@dataclass(frozen=True, slots=True)
class Failure:
    """The call fails; with LOST, after it was done."""

    error: Exception
    at: Moment = Moment.BEFORE
    after: float = 0.0  # seconds that it takes to fail


@dataclass(frozen=True, slots=True)
class Delay:
    """The call, or its answer, takes longer."""

    seconds: float
    at: Moment = Moment.BEFORE


@dataclass(frozen=True, slots=True)
class Pause:
    """The whole process stands still for a while, as one that was sent SIGSTOP."""

    seconds: float
    at: Moment = Moment.BEFORE


Event = Crash | Failure | Delay | Pause
Plan = Callable[[Call], Event | None]


def nothing(_call: Call) -> None:
    """Plan nothing."""


class Seam:
    """Carries calls across, and lets happen to them what is planned.

    Attributes:
        plan: asked once for every call.
        calls: the changing calls that were begun, in their order.
        landed: what the Swarm was brought to do, and how often, by verb and name.
        given_up: how many requests arrive though their sender has given them up, by target.
        reads: how many of which other calls were begun.
    """

    def __init__(self, stage: Stage) -> None:
        self.plan: Plan = nothing
        self.calls: list[Call] = []
        self.landed: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self._stage = stage

    def carry(
        self, side: str, verb: str, target: str, work: Callable[[], T], *, changing: bool
    ) -> T:
        """Do `work` for the process whose turn it is; the driver's own calls pass untouched.

        Raises:
            Killed: the process ends here.
            Exception: what `work` raises, or what is planned.
        """
        process = self._stage.process
        if process is None:
            return work()
        self._stage.live()
        call = Call(len(self.calls) if changing else -1, process.name, side, verb, target)
        if changing:
            self.calls.append(call)
        else:
            self.reads[verb] += 1
        event = self.plan(call)
        self._happen(process, event, Moment.BEFORE)
        answer = work()
        self._happen(process, event, Moment.LOST)
        self._stage.pause()
        self._happen(process, event, Moment.AFTER)
        return answer

    def _happen(self, process: Process, event: Event | None, at: Moment) -> None:
        if event is None or event.at is not at:
            return
        match event:
            case Crash():
                process.killed = True
                raise Killed
            case Delay(seconds):
                self._stage.pause(seconds)
            case Pause(seconds):
                process.paused = True
                self._stage.clock.after(seconds, functools.partial(_go_on, process))
                self._stage.pause()
            case Failure(error, _, after):
                self._stage.pause(after)
                raise error


def _go_on(process: Process) -> None:
    process.paused = False
