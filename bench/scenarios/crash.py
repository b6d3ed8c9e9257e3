"""A notebook's program is killed: how long until its server answers again."""

from __future__ import annotations

import time
from typing import Final

from support import look

from bench.results import Figure
from bench.say import say
from bench.site.site import Site

NAME: Final = "crash"
_WARM_UP = 1  # rounds, not counted
_AGAIN_WITHIN = 120.0  # seconds


def run(site: Site, rounds: int) -> list[Figure]:
    """Kill a server per round; beside each, the floor of a start.

    Raises:
        Exception: one did not come back.
    """
    floor: list[float] = []
    again: list[float] = []
    for number in range(rounds + _WARM_UP):
        site.calm()
        bare = site.floor.start(f"crash-{number}")
        site.floor.stop(bare)
        site.calm()
        taken = _crash(site, f"crash-{number}")
        say(f"crash {number + 1}: {taken:.2f} s beside {bare.answering - bare.asked:.2f} s")
        if number >= _WARM_UP:
            floor.append(bare.answering - bare.asked)
            again.append(taken)
    return [
        Figure(scenario=NAME, contender="floor", measure="ready", samples=tuple(floor)),
        Figure(
            scenario=NAME, contender="swarmhub", measure="answering again", samples=tuple(again)
        ),
    ]


def _crash(site: Site, name: str) -> float:
    site.hub.add(name)
    site.hub.start(name)
    try:
        container = look.notebook_container(site.node, name)
        killed = time.time()
        look.kill_container(site.node, container)
        gone = site.hub.until(name, answering=False, within=_AGAIN_WITHIN)
        if gone - killed > 1:
            raise RuntimeError(f"{name} went on answering for {gone - killed:.1f} s.")
        return site.hub.until(name, answering=True, within=_AGAIN_WITHIN) - killed
    finally:
        site.hub.stop(name)
