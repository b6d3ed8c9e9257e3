"""How many requests the engine gets: for a start, a stop, and a minute in which nothing happens."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from bench.requests import requests, writes
from bench.results import Figure
from bench.say import say
from bench.site.site import TINY, Site

NAME: Final = "calls"
CROWDS: Final = (10, 300)  # notebooks
_MINUTE = 60.0  # seconds
_AFTER = 5.0  # seconds in which a start or stop may have an aftermath
_AT_ONCE = 20  # requests to the hub


def run(site: Site, rounds: int) -> list[Figure]:
    """Count requests, with notebooks that are nothing but a tiny web server.

    Raises:
        Exception: a start or stop failed.
    """
    site.calm()
    site.node.log_requests(True)
    try:
        figures = _one(site, rounds)
        names: list[str] = []
        for crowd in CROWDS:
            more = [f"{TINY}-{number:03}" for number in range(len(names), crowd)]
            site.hub.add(*more)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(partial(site.hub.start, is_jupyter=False), more))
            names += more
            time.sleep(_AFTER)
            idle = _during(site, lambda: time.sleep(_MINUTE - _AFTER))
            say(f"idle minute with {crowd}: {_told(idle)}")
            figures.append(_figure(f"idle minute, {crowd}", [idle.total()]))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(site.hub.stop, names))
    finally:
        site.node.log_requests(False)
    return figures


def _one(site: Site, rounds: int) -> list[Figure]:
    starts: list[Counter[str]] = []
    stops: list[Counter[str]] = []
    for number in range(rounds):
        name = f"{TINY}-one-{number}"
        site.hub.add(name)
        starts.append(_during(site, partial(site.hub.start, name, is_jupyter=False)))
        stops.append(_during(site, partial(site.hub.stop, name)))
    say(f"start: {_told(starts[-1])}")
    say(f"stop: {_told(stops[-1])}")
    return [
        _figure("start", [start.total() for start in starts]),
        _figure("start, writes", [writes(start) for start in starts]),
        _figure("stop", [stop.total() for stop in stops]),
        _figure("stop, writes", [writes(stop) for stop in stops]),
    ]


def _during(site: Site, act: Callable[[], object]) -> Counter[str]:
    """Count what the engine is asked while something is done, and shortly after it."""
    with site.node.log.open() as log:
        log.seek(0, os.SEEK_END)
        act()
        time.sleep(_AFTER)
        return requests(log)


def _told(counted: Counter[str]) -> str:
    kinds = ", ".join(f"{number} {kind}" for kind, number in counted.most_common())
    return f"{counted.total()} ({kinds or 'none'})"


def _figure(measure: str, numbers: list[int]) -> Figure:
    samples = tuple(float(number) for number in numbers)
    return Figure(
        scenario=NAME, contender="swarmhub", measure=measure, unit="requests", samples=samples
    )
