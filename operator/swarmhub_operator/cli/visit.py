"""Sends an errand to the node of a home and talks to it; nothing of it is left behind."""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from swarmhub_crds.home import Home

from swarmhub_operator.cli.options import engine_at
from swarmhub_operator.cli.output import warn
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide import copying, errands
from swarmhub_operator.decide.errands import Means, Order
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node, TaskState
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.content import ContentError, Peer
from swarmhub_operator.loop.errands import Errands, Report
from swarmhub_operator.settings import Settings

ASKER = "command"
ANSWERS_WITHIN = 60.0  # seconds after its start
TAKEN_BACK_WITHIN = 10.0  # seconds
_POLL = 0.2  # seconds

Ordered = Callable[[tuple[str, str]], Order]  # makes the order for a secret's id and name


@dataclass(frozen=True, slots=True)
class Site:
    """The Swarm, and what errands need of it."""

    engine: Engine
    means: Means
    network: str


def connect(settings: Settings, store: str) -> Site:
    """Return the Swarm of a store.

    Raises:
        ContentError: this is no place from which errands can be sent.
    """
    if not settings.errand_image:
        raise ContentError(
            "It is not known here which image is sent to the nodes; run the command in the "
            "operator's container, or set SWARMHUB_ERRAND_IMAGE."
        )
    means = Means(store, settings.errand_image, settings.engine_socket)
    return Site(engine_at(settings.docker_host), means, settings.network)


def node_of(site: Site, home: Home) -> Node:
    """Return the node where a home is reached.

    Raises:
        ContentError: there is none now.
        EngineError: the engine cannot be asked.
    """
    nodes = {node.id: node for node in site.engine.nodes()}
    found = copying.where(home, nodes, site.engine.own_node_id())
    if isinstance(found, str):
        raise ContentError(found)
    return found


@contextmanager
def visit(site: Site, node: Node, ordered: Ordered) -> Iterator[Peer]:
    """Send an errand, and yield it once it answers; remove it and its token in any case.

    Raises:
        ContentError: it does not start, or another of its kind is under way.
        EngineError: the engine cannot be asked, or refuses it.
    """
    runner = Errands(site.engine, site.means, time.monotonic)
    token, unnamed = secrets.token_urlsafe(32), ordered(("", ""))
    name = f"{errands.name(unnamed, site.means.store)}-token"
    _make_room(site, runner, unnamed, name)
    try:
        order = ordered((_new_secret(site, name, token), name))
        peer = Peer(copying.url(_address(site, runner, order, node)), token)
        _greet(peer, runner, order, node)
        yield peer
        peer.done()
    finally:
        _clear_away(site, runner, unnamed, name)


@contextmanager
def taken_back(peer: Peer) -> Iterator[None]:
    """If a block fails, let the errand notice that, and take back what it has half done."""
    try:
        yield
    except BaseException:
        deadline = time.monotonic() + TAKEN_BACK_WITHIN
        with suppress(ContentError):
            while peer.outcome() is None and time.monotonic() < deadline:
                time.sleep(_POLL)
        raise


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end a block as Ctrl-C does, so that it is left in good order."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _make_room(site: Site, runner: Errands, order: Order, secret: str) -> None:
    """Remove what a command that died has left.

    Raises:
        ContentError: it may be alive.
    """
    runner.look()
    if runner.is_sent(order) and not runner.ask(order, None).ended:
        raise ContentError(
            "The same is being done for this home already; if that command has died, its errand "
            f"ends by itself after {copying.IDLE} s without a request."
        )
    runner.end(order)
    old = site.engine.find_secret(secret)
    if old is not None:
        site.engine.remove_secret(old.id)


def _new_secret(site: Site, name: str, token: str) -> str:
    about = {labels.ERRAND_STORE: site.means.store, labels.ERRAND_OF: ASKER}
    return site.engine.create_secret(name, token.encode(), about)


def _address(site: Site, runner: Errands, order: Order, node: Node) -> str:
    """Send the errand and return its address on the network, once it runs."""
    told = ""
    while True:
        report = runner.ask(order, node)
        if report.ended:
            raise ContentError(_why(runner, report))
        task = report.task
        if task is not None and task.state is TaskState.RUNNING and site.network in task.addresses:
            return task.addresses[site.network]
        if task is not None and report.message not in ("", told):
            told = report.message
            warn(safe(f"{node.hostname}: {told}"))
        time.sleep(_POLL)
        runner.look()


def _why(runner: Errands, report: Report) -> str:
    """Return why an errand ended, in its own words if it has said any."""
    try:
        said = copying.outcome(runner.output(report))
    except EngineError:
        said = None
    return said.error if said is not None and said.error else report.message


def _greet(peer: Peer, runner: Errands, order: Order, node: Node) -> None:
    """Wait until the errand answers; the network takes a moment to know a new address."""
    deadline = time.monotonic() + ANSWERS_WITHIN
    while True:
        try:
            peer.outcome()
        except ContentError as error:
            if time.monotonic() > deadline:
                raise ContentError(
                    f"Waited {ANSWERS_WITHIN:g} s in vain for the errand on {node.hostname} to "
                    f"answer. {error}"
                ) from error
            time.sleep(_POLL)
            runner.look()
            report = runner.ask(order, node)
            if report.ended:
                raise ContentError(_why(runner, report)) from error
        else:
            return


def _clear_away(site: Site, runner: Errands, order: Order, secret: str) -> None:
    try:
        runner.look()
        runner.end(order)
        found = site.engine.find_secret(secret)
        if found is not None:
            site.engine.remove_secret(found.id)
    except EngineError as error:
        if error.kind is not Kind.GONE:
            warn(
                f"The errand's service or its secret {secret} is left behind. {error.sentence} "
                "The same command removes them the next time."
            )
