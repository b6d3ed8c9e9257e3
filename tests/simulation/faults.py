"""Faults, each class by its name: what they do to a simulation's operators, by chance of a seed.

    faults = Faults(sim, seed=7, lasting=20.0)
    faults.add("answers lost")
    faults.add("clock jumps")

They begin at once and end by themselves; from then on nothing is in the way of a good end.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing

from simulation.driver import Operator, Simulation
from simulation.seam import Call, Crash, Delay, Event, Failure, Moment, Pause, Plan
from swarmhub_crds.errors import Reason
from swarmhub_crds.sqlstore.failures import unavailable
from swarmhub_crds.store import Store
from swarmhub_operator.engine.errors import classify

HOUR = 3600.0
KEPT = "kept.db"
# One that fails is no fault: the image is then used by its tag.
LOOK_UP = "GET /distribution/ID"
_RESET = (None, "Connection reset by peer")


class Faults:
    """All faults of one simulation.

    Attributes:
        rate: how often a call meets a fault, of one.
        begun: how many faults there were.
    """

    def __init__(self, sim: Simulation, seed: int, lasting: float, rate: float = 0.25) -> None:
        self.sim = sim
        self.random = random.Random(f"faults {seed}")
        self.rate = rate
        self.begun = 0
        self._end = sim.clock.monotonic() + lasting
        self._lasting = lasting
        self._plans: list[Plan] = []
        sim.seam.plan = self._plan

    def add(self, name: str) -> None:
        """Let a class of faults begin."""
        FAULTS[name](self)

    @property
    def last(self) -> bool:
        """Whether they go on."""
        return self.sim.clock.monotonic() < self._end

    @property
    def left(self) -> float:
        """Seconds until they end."""
        return max(0.0, self._end - self.sim.clock.monotonic())

    def strikes(self, share: float = 1.0) -> bool:
        """Tell by chance whether a fault happens now; the first chance of all is taken."""
        chance = self.random.random() < self.rate * share
        struck = self.last and (chance or not self.begun)
        self.begun += struck
        return struck

    def lag(self, longest: float, share: float = 1.0) -> float:
        """Return by chance some seconds, or none; in any case it is over when all faults are."""
        return min(self.random.uniform(0.0, longest), self.left) if self.strikes(share) else 0.0

    def plan(self, plan: Plan) -> None:
        """Ask one more plan at each call."""
        self._plans.append(plan)

    def at_engines(self, change: Callable[[Operator], None]) -> None:
        """Change the engine of each operator, of those to come too."""
        for operator in self.sim.operators:
            change(operator)
        self.sim.beginners.append(change)

    def some_time(self, action: Callable[[], None]) -> None:
        """Let something happen once, early enough to be mended before the end."""
        self.begun += 1
        self.sim.clock.after(self.random.uniform(0.1, 0.5) * self._lasting, action)

    def later(self, longest: float, action: Callable[[], None]) -> None:
        """Mend something after a while, at the end at the latest."""
        wait = min(self.random.uniform(0.5, longest), self.left)
        self.sim.clock.after(wait, action)

    def _plan(self, call: Call) -> Event | None:
        if not self.last:
            return None
        return next((event for plan in self._plans if (event := plan(call))), None)


def _answers(*errors: tuple[int | None, str], takes: float = 0.0) -> Callable[[Faults], None]:
    """Let calls of the engine fail, undone, with one of these answers."""

    def install(faults: Faults) -> None:
        def plan(call: Call) -> Event | None:
            if call.side != "engine" or call.verb == LOOK_UP or not faults.strikes():
                return None
            wait = faults.random.uniform(0.0, takes)
            return Failure(classify(*faults.random.choice(errors)), after=wait)

        faults.plan(plan)

    return install


def _conflicts(faults: Faults) -> None:
    """Changes meet a 409, or what means the same, in words that fit the call."""
    words = {
        "POST /services/create": "rpc error: code = AlreadyExists desc = name conflicts with an "
        "existing object: service already exists",
        "POST /secrets/create": "rpc error: code = AlreadyExists desc = secret already exists",
        "POST /services/ID/update": "rpc error: code = Unknown desc = update out of sequence",
        "DELETE /secrets/ID": "rpc error: code = InvalidArgument desc = secret is in use by the "
        "following service: other",
    }
    status = {"POST /services/ID/update": 500, "DELETE /secrets/ID": 400}

    def plan(call: Call) -> Event | None:
        if call.verb not in words or not faults.strikes(2.0):
            return None
        return Failure(classify(status.get(call.verb, 409), words[call.verb]))

    faults.plan(plan)


def _lost(faults: Faults) -> None:
    """Changes are carried out, and the operator is told that they failed."""

    def plan(call: Call) -> Event | None:
        if not call.changing or not faults.strikes(2.0):
            return None
        if call.side == "engine":
            return Failure(classify(*_RESET), Moment.LOST)
        error = unavailable(Reason.UNREADABLE, faults.sim.file, "disk I/O error")
        return Failure(error, Moment.LOST)

    faults.plan(plan)


def _delays(faults: Faults) -> None:
    """Requests and answers take up to eight seconds."""

    def plan(call: Call) -> Event | None:
        at = faults.random.choice(tuple(Moment))
        wait = faults.lag(8.0, 0.5) if call.side == "engine" else 0.0
        return Delay(wait, at) if wait else None

    faults.plan(plan)


def _crashes(faults: Faults) -> None:
    """The operator dies at its changing calls, and another one follows."""
    faults.sim.supervised = True

    def plan(call: Call) -> Event | None:
        if not call.changing or not faults.strikes(0.4):
            return None
        return Crash(faults.random.choice(tuple(Moment)))

    faults.plan(plan)


def _pauses(faults: Faults) -> None:
    """The operator stands still at its calls, also for longer than a lease; another stands by."""
    faults.sim.start()

    def plan(call: Call) -> Event | None:
        if not faults.strikes(0.4 if call.changing else 0.02):
            return None
        wait = min(faults.random.uniform(1.0, 40.0), faults.left)
        return Pause(wait, faults.random.choice(tuple(Moment)))

    faults.plan(plan)


def _standby(faults: Faults) -> None:
    """One more operator stands by, and the one that leads is told to stop."""
    sim = faults.sim
    sim.start()

    def change() -> None:
        for leading in sim.operators[:1]:
            leading.stop.set()
        sim.start()

    faults.some_time(change)


def _stale(faults: Faults) -> None:
    """Each list may show what was up to eight seconds ago."""
    faults.sim.watchers.append(faults.sim.past.note)

    def change(operator: Operator) -> None:
        operator.engine.stale = lambda: faults.lag(8.0)

    faults.at_engines(change)


def _late(faults: Faults) -> None:
    """Changes are on their way for up to eight seconds after the last look at the lease."""

    def change(operator: Operator) -> None:
        operator.engine.late = lambda: faults.lag(8.0, 2.0)

    faults.at_engines(change)


def _given_up(faults: Faults) -> None:
    """Changes are carried out seconds after the operator was told that they timed out."""

    def change(operator: Operator) -> None:
        operator.engine.given_up = lambda: faults.lag(8.0)

    faults.at_engines(change)


def _muted(faults: Faults) -> None:
    """The engine tells of nothing."""
    journal = faults.sim.swarm.journal
    journal.muted = True
    faults.begun += 1

    def tell() -> None:
        journal.muted = False

    faults.sim.clock.after(faults.left, tell)


def _echoes(faults: Faults) -> None:
    """Events are lost, told twice, or come late, and so after later ones of other threads."""

    def change(operator: Operator) -> None:
        def echoes() -> int:
            if wait := faults.lag(3.0, 0.5):
                faults.sim.stage.pause(wait)
            return faults.random.choice((0, 1, 2, 3)) if faults.strikes(2.0) else 1

        operator.engine.echoes = echoes

    faults.at_engines(change)


def _jumps(faults: Faults) -> None:
    """The time of day jumps by an hour, either way, several times, and is set right at the end."""
    clock, owed = faults.sim.clock, 0.0

    def jump() -> None:
        nonlocal owed
        seconds = faults.random.choice((HOUR, -HOUR))
        owed -= seconds
        clock.jump(seconds)

    for _ in range(3):
        faults.some_time(jump)
    faults.sim.clock.after(faults.left, lambda: clock.jump(owed))


def _refusals(reason: Reason, *, reads: bool, takes: float = 0.0) -> Callable[[Faults], None]:
    """The store refuses all writes, or all there is, for one long while."""

    def install(faults: Faults) -> None:
        broken = False

        def begin() -> None:
            nonlocal broken
            broken = True
            faults.later(30.0, end)

        def end() -> None:
            nonlocal broken
            broken = False

        def plan(call: Call) -> Event | None:
            if not broken or call.side != "store" or not (reads or call.changing):
                return None
            return Failure(unavailable(reason, faults.sim.file), after=takes)

        faults.plan(plan)
        faults.some_time(begin)

    return install


def _file(change: Callable[[Simulation], None]) -> Callable[[Faults], None]:
    """The database file is not what it was, for a while: for the hub neither."""

    def install(faults: Faults) -> None:
        def begin() -> None:
            if faults.sim.file.with_name(KEPT).exists():
                return  # one at a time
            keep(faults.sim)
            change(faults.sim)
            _remove_side_files(faults.sim)
            faults.later(20.0, lambda: put_back(faults.sim))

        faults.some_time(begin)

    return install


def keep(sim: Simulation) -> None:
    """Make a copy of the database."""
    kept = sim.file.with_name(KEPT)
    with closing(sqlite3.connect(sim.file)) as live, closing(sqlite3.connect(kept)) as copy:
        live.backup(copy)


def put_back(sim: Simulation) -> None:
    """Put the copy in the place of whatever there is."""
    _remove_side_files(sim)
    sim.file.with_name(KEPT).replace(sim.file)


def _remove_side_files(sim: Simulation) -> None:
    for end in ("-wal", "-shm"):
        sim.file.with_name(sim.file.name + end).unlink(missing_ok=True)


def _delete(sim: Simulation) -> None:
    sim.file.unlink()


def _tear(sim: Simulation) -> None:
    """Leave half of the file, as a copy does that was broken off."""
    _put(sim, sim.file.read_bytes()[: sim.file.stat().st_size // 2])


def _scribble(sim: Simulation) -> None:
    """Leave a file whose pages are other bytes."""
    _put(sim, sim.file.read_bytes()[:512] + b"\xa5" * 20_000)


def _empty(sim: Simulation) -> None:
    _put(sim, b"")


def _put(sim: Simulation, content: bytes) -> None:
    other = sim.file.with_name("other.db")
    other.write_bytes(content)
    other.replace(sim.file)


def _swap(sim: Simulation) -> None:
    """Leave another store's file."""
    other = sim.file.with_name("other.db")
    Store.open(f"sqlite:///{other}").close()
    shutil.move(other, sim.file)


FAULTS: dict[str, Callable[[Faults], None]] = {
    "conflicts": _conflicts,
    "errors-500": _answers(
        (500, "rpc error: code = Unknown desc = something went wrong"),
        (500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
        takes=5.0,
    ),
    "errors-503": _answers(
        (503, "This node is not a swarm manager."),
        (503, "rpc error: code = Unknown desc = The swarm does not have a leader."),
    ),
    "resets": _answers(_RESET, (None, "Connection refused")),
    "time-outs": _answers((None, "Read timed out."), takes=20.0),
    "answers-lost": _lost,
    "delays": _delays,
    "stale-lists": _stale,
    "late-arrivals": _late,
    "given-up": _given_up,
    "events-muted": _muted,
    "events-odd": _echoes,
    "clock-jumps": _jumps,
    "crashes": _crashes,
    "pauses": _pauses,
    "standby": _standby,
    "store-locked": _refusals(Reason.LOCKED, reads=False, takes=5.0),
    "store-full": _refusals(Reason.FULL, reads=False),
    "store-read-only": _refusals(Reason.READ_ONLY, reads=True),
    "file-deleted": _file(_delete),
    "file-torn": _file(_tear),
    "file-scribbled": _file(_scribble),
    "file-empty": _file(_empty),
    "file-replaced": _file(_swap),
}
