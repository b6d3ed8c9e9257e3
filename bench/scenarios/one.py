"""One start and one stop at a time: the floor, swarmhub, and the peers, in turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from threading import Thread
from typing import Final

from support.waiting import wait_for

from bench.alternate import turns
from bench.results import Figure, figures_of
from bench.say import say
from bench.site.hub import HubClient, Start
from bench.site.peers import PEERS
from bench.site.site import Site
from bench.site.timeline import moments

NAME: Final = "one"
_WARM_UP = 1  # rounds, not counted
_PORT = 8888
_ANSWERS_WITHIN = 120.0  # seconds

Samples = dict[tuple[str, str], list[float]]


def run(site: Site, rounds: int) -> list[Figure]:
    """Start and stop one server of each contender in turn.

    Raises:
        Exception: a start or stop failed; no figure is made of the others then.
    """
    with ExitStack() as stack:
        contenders: dict[str, Callable[[str, Samples], None]] = {
            "floor": lambda name, samples: _floor(site, name, samples),
            "swarmhub": lambda name, samples: _ours(site, name, samples),
        }
        for peer in PEERS:
            say(f"{peer.name} {peer.version}: building and starting its hub")
            client = stack.enter_context(site.peer(peer))
            contenders[peer.name] = _peer(client, peer.name)
        order = turns(list(contenders), rounds + _WARM_UP)
        samples: Samples = defaultdict(list)
        for turn, contender in enumerate(order):
            site.calm()
            counted = samples if turn >= _WARM_UP * len(contenders) else defaultdict(list)
            contenders[contender](f"{contender}-{turn}", counted)
            taken = counted[contender, "ready"]
            say(f"start {turn + 1} of {len(order)}: {contender} {taken[-1]:.2f} s")
        site.calm()
    return figures_of(NAME, samples)


def _floor(site: Site, name: str, samples: Samples) -> None:
    bare = site.floor.start(name)
    samples["floor", "ready"].append(bare.answering - bare.asked)
    samples["floor", "stop"].append(site.floor.stop(bare))


def _ours(site: Site, name: str, samples: Samples) -> None:
    site.hub.add(name)
    answering: list[float] = []
    watcher = Thread(target=lambda: answering.append(_first_answer(site, name)), daemon=True)
    watcher.start()
    start = site.hub.start(name)
    watcher.join(_ANSWERS_WITHIN)
    if not answering:
        raise TimeoutError(f"Nobody saw when {name} first answered.")
    for part, length in moments(site, name, start, answering[0]).parts().items():
        samples["swarmhub", f"part: {part}"].append(length)
    _take("swarmhub", start, samples)
    samples["swarmhub", "stop"].append(site.hub.stop(name))


def _first_answer(site: Site, name: str) -> float:
    """Return when a server answers, asked by name inside of the notebooks' network."""
    service = wait_for(f"a service of {name}", lambda: site.engine.service_of(name), 60, 0.02)
    assert service is not None
    address = site.engine.address_of(service, site.floor.network, _ANSWERS_WITHIN)
    site.prober.watch(name, address, _PORT, "/", every=0.02, within=_ANSWERS_WITHIN)
    return site.prober.answered(name, _ANSWERS_WITHIN)


def _peer(client: HubClient, contender: str) -> Callable[[str, Samples], None]:
    def turn(name: str, samples: Samples) -> None:
        client.add(name)
        _take(contender, client.start(name), samples)
        samples[contender, "stop"].append(client.stop(name))

    return turn


def _take(contender: str, start: Start, samples: Samples) -> None:
    samples[contender, "ready"].append(start.ready - start.asked)
    samples[contender, "accepted"].append(start.accepted - start.asked)
    samples[contender, "routed"].append(start.routed - start.asked)
