"""The periodic pass over homes: where they are, and whose time has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from swarmhub_crds.errors import Conflict
from swarmhub_crds.home import Home, HomePhase, Place, Reclaim

from swarmhub_operator.decide.errands import Errand, Order
from swarmhub_operator.decide.homes import (
    HomeStep,
    awaiting_leftovers,
    deleting,
    disowned,
    forgotten,
    is_held,
    kept,
    released,
    released_later,
    step,
    without_leftover,
)
from swarmhub_operator.decide.moving import is_ordered
from swarmhub_operator.decide.removals import Outcome, may_remove, outcome
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.errands import PATIENCE, Errands, is_up
from swarmhub_operator.loop.homerecords import HomeRecords
from swarmhub_operator.loop.inventories import Inventories
from swarmhub_operator.loop.mover import Mover

REMOVALS = 4  # errands that remove, at once: each is a program on a node where people work
FOREIGN_FOR = 3600.0  # seconds after which a volume that is another's is looked at again
log = get_logger()


class HomeKeeper:
    """Looks after the homes; for one thread."""

    def __init__(
        self,
        engine: Engine,
        records: HomeRecords,
        errands: Errands,
        inventories: Inventories,
        mover: Mover,
        grace: float,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._records = records
        self._errands = errands
        self._inventories = inventories
        self._mover = mover
        self._grace = grace
        self._now = now
        self._moving = False

    @property
    def busy(self) -> bool:
        """Whether something is under way on another node, or somebody waits for it to be."""
        return self._moving or self._errands.busy or self._inventories.stir.is_set()

    def note(self, changed: Iterable[str]) -> None:
        """Be told which homes have changed: what is ordered is done soon. Thread-safe.

        Raises:
            StoreError: the store cannot be read.
        """
        homes = (self._records.get(name) for name in changed)
        if any(home is not None and _wants(home) for home in homes):
            self._inventories.stir.set()

    def look_after(
        self, nodes: Mapping[str, Node], *, is_behind: bool, beat: Callable[[], None]
    ) -> None:
        """Go over all homes once.

        Args:
            nodes: of the Swarm, by id.
            is_behind: whether the store may have forgotten what runs: then nothing is removed.
            beat: called before each home; the engine may take half a minute to remove one.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read or written.
        """
        todo = [home for home in self._records.all() if _wants(home)]
        if self._errands.possible and (len(nodes) > 1 or self._errands.busy or todo):
            self._errands.look()
        self._inventories.take(self._errands, nodes)
        own = self._engine.own_node_id() if todo else ""
        postponed = False
        for home in todo:
            beat()
            try:
                self._look_after(home.metadata.name, own, nodes, is_behind=is_behind)
            except (EngineError, Conflict) as error:  # of one home: the others go on
                name, postponed = home.metadata.name, True
                log.warning("home", home=name, outcome="postponed", error=str(error))
        if not postponed:  # else what is on its way for a home may not have been asked for
            self._errands.clear_away()
        self._moving = any(home.status.phase is HomePhase.MOVING for home in self._records.all())

    def _look_after(
        self, name: str, own: str, nodes: Mapping[str, Node], *, is_behind: bool
    ) -> None:
        """Decide from what the store says now: its user may be back since the list was read.

        A store that went back in time may say of a home in use that it was released.
        """
        home = self._records.get(name)
        if home is None:
            return
        home = self._caught_up(home)
        if is_ordered(home):
            home = self._mover.step(home, nodes)
        for place in home.status.leftovers:
            home = self._clear_leftover(home, place, own, nodes)
        if self._errands.is_sent(_removal(home, home.status.node_id or "")):
            self._remove_there(home, nodes)  # what is on its way cannot be called back
            return
        now = self._now()
        decision = step(
            home,
            mounted=is_behind or is_held(home, now) or self._records.may_be_mounted(name),
            own_node=own,
            now=now,
            grace=self._grace,
        )
        going = decision in (HomeStep.REMOVE, HomeStep.ELSEWHERE)
        if going and home.status.leftovers:  # without its record nobody would remove them
            self._keep(home, awaiting_leftovers(home))
        elif decision is HomeStep.REMOVE:
            self._remove_here(home)
        elif decision is HomeStep.ELSEWHERE:
            self._remove_there(home, nodes)
        elif home.status.phase is HomePhase.DELETING:
            self._keep(home, "It is kept: a notebook may use it.")

    def _caught_up(self, home: Home) -> Home:
        given_up = forgotten(home)
        if given_up is not None and not self._records.may_be_in_use(home.metadata.name):
            home = self._records.put(home, given_up)
        if disowned(home) and not self._records.may_be_in_use(home.metadata.name):
            home = self._records.put(home, released(home, self._now()))
        anew = released_later(home, self._now())
        return home if anew is None else self._records.put(home, anew)

    def _remove_here(self, home: Home) -> None:
        """Remove a volume, which the engine knows by its name alone, and then the record.

        While the phase is Deleting, `apply_notebook` lets nobody mount the volume; who was let in
        before that is seen by looking once more after it is written.
        """
        name, again = home.metadata.name, home.status.phase is HomePhase.DELETING
        found = self._engine.find_volume(name)
        if found is not None and not may_remove(found.labels, home.metadata.uid):
            self._keep(home, _not_its(home, "here"))
            return
        home = self._records.put(home, deleting(home))
        if self._records.may_be_mounted(name):
            self._keep(home, "It is kept: a notebook may use it.")
            return
        try:
            if found is not None:
                self._engine.remove_volume(name)
        except EngineError as error:
            if error.kind is Kind.UNAVAILABLE and not again:
                raise  # it may still be done: for one sweep nobody is let in
            if error.kind is not Kind.GONE:
                in_use = error.kind in (Kind.IN_USE, Kind.TAKEN)
                self._keep(home, _IN_USE if in_use else error.sentence)
                return
        self._records.remove(home)

    def _remove_there(self, home: Home, nodes: Mapping[str, Node]) -> None:
        """Remove a volume on another node by an errand, and then the record; as `_remove_here`."""
        name, node = home.metadata.name, nodes.get(home.status.node_id or "")
        order = _removal(home, home.status.node_id or "")
        sent = self._errands.is_sent(order)
        if not self._errands.possible:
            self._keep(home, _by_hand(home))
            return
        full = self._errands.under_way(Errand.REMOVE) >= REMOVALS
        if self._errands.is_postponed(order) or (full and not sent):
            return  # its turn comes
        if not sent and (node is None or not is_up(node)):
            where = f"the node {home.status.node}"
            gone = f"{where} has left the Swarm" if node is None else f"{where} takes no tasks"
            self._keep(home, f"Its volume waits to be removed: {gone} at the moment.")
            return
        home = self._records.put(home, deleting(home))
        if not sent and self._records.may_be_mounted(name):
            self._keep(home, "It is kept: a notebook may use it.")
            return
        report = self._errands.ask(order, node)
        if not report.ended:
            return
        ended = outcome(report.exit_code)
        if ended in (Outcome.REMOVED, Outcome.ABSENT):
            self._errands.end(order)
            self._inventories.note_removal(order.node_id, name)
            self._records.remove(home)
            return
        self._errands.postpone(order, FOREIGN_FOR if ended is Outcome.FOREIGN else PATIENCE)
        if ended is Outcome.FOREIGN:
            self._keep(home, _not_its(home, f"on {home.status.node}"))
        else:
            self._keep(home, _IN_USE if ended is Outcome.IN_USE else report.message)

    def _clear_leftover(
        self, home: Home, place: Place, own: str, nodes: Mapping[str, Node]
    ) -> Home:
        """Remove the copy that a move has left on a node; the home itself is elsewhere."""
        if home.status.phase is HomePhase.MOVING or not self._mover.tidy(home):
            return home
        if place.node_id == home.status.node_id:  # whatever the record says, this is the home
            return self._records.put(home, without_leftover(home, place))
        ended: Outcome | None
        if place.node_id == own:
            ended = self._clear_here(home)
        elif place.node_id not in nodes:
            ended = Outcome.ABSENT  # nodes that have left the Swarm return under another id
        elif not self._errands.possible:
            return home
        else:
            order = _removal(home, place.node_id)
            report = self._errands.ask(order, nodes.get(place.node_id))
            if not report.ended:
                return home
            ended = outcome(report.exit_code)
            self._errands.postpone(order)
        if ended not in (Outcome.REMOVED, Outcome.ABSENT, Outcome.FOREIGN):
            return home
        self._inventories.note_removal(place.node_id, home.metadata.name)
        return self._records.put(home, without_leftover(home, place))

    def _clear_here(self, home: Home) -> Outcome:
        found = self._engine.find_volume(home.metadata.name)
        if found is None:
            return Outcome.ABSENT
        if not may_remove(found.labels, home.metadata.uid):
            return Outcome.FOREIGN
        try:
            self._engine.remove_volume(home.metadata.name)
        except EngineError as error:
            if error.kind in (Kind.IN_USE, Kind.TAKEN):
                return Outcome.IN_USE  # by a container that has just ended, as a rule
            raise
        return Outcome.REMOVED

    def _keep(self, home: Home, message: str) -> None:
        """Say why its volume is not removed now; until the next attempt it can be mounted."""
        self._records.put(home, kept(home, message))


_IN_USE = "Its volume is still in use; trying again shortly."


def _removal(home: Home, node: str) -> Order:
    name, uid = home.metadata.name, home.metadata.uid
    return Order(Errand.REMOVE, node, (name, uid), about=(name, uid))


def _not_its(home: Home, where: str) -> str:
    return (
        f"The volume of this name {where} was not made for this home and is kept; "
        f"remove it with `docker volume rm {home.metadata.name}` if nobody needs it."
    )


def _by_hand(home: Home) -> str:
    return (
        f"Its volume lies on {home.status.node}; remove it there with "
        f"`docker volume rm {home.metadata.name}`."
    )


def _wants(home: Home) -> bool:
    """Whether there is anything to do for a home; for most there is not, and they cost nothing."""
    status, meta = home.status, home.metadata
    given_up = home.spec.reclaim is Reclaim.DELETE or meta.deletion_requested_at is not None
    return (
        (status.phase is HomePhase.RELEASED and given_up)
        or status.phase is HomePhase.DELETING
        or bool(status.leftovers)
        or len(home.spec.orders.forgotten) > status.forgotten
        or disowned(home)
        or is_ordered(home)
    )
