"""A class arrives: many starts at once, through the hub, beside the same services created bare."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Final

from bench.alternate import turns
from bench.parts import epoch
from bench.results import Figure
from bench.say import say
from bench.site import asker
from bench.site.hub import Start
from bench.site.site import Site
from bench.stats import quantile, spread

NAME: Final = "class"
SIZES: Final = (10, 20, 40)
_ROUNDS = 3  # at most: each takes minutes
_EVERY = 0.25  # seconds between two attempts to reach a bare server; forty are tried at once
_ASKED_EVERY = 0.1  # seconds
_ANSWERED_WITHIN = 30.0  # seconds

Samples = dict[tuple[str, str], list[float]]


def run(site: Site, rounds: int) -> list[Figure]:
    """Let classes of each size arrive.

    Raises:
        Exception: one server did not start.
    """
    samples: Samples = defaultdict(list)
    for size in SIZES:
        for turn, contender in enumerate(turns(("floor", "swarmhub"), min(rounds, _ROUNDS))):
            site.calm()
            names = [f"{contender}-{size}-{turn}-{seat:02}" for seat in range(size)]
            ready = bare(site, names) if contender == "floor" else _ours(site, names, samples)
            median, last = spread(ready).median, max(ready)
            samples[contender, f"{size}: median"].append(median)
            samples[contender, f"{size}: last"].append(last)
            say(f"class of {size}, {contender}: median {median:.1f} s, last {last:.1f} s")
    site.calm()
    return [
        Figure(
            scenario=NAME,
            contender=who,
            measure=what,
            unit="count" if what.endswith("overtaken") else "s",
            samples=tuple(taken),
        )
        for (who, what), taken in samples.items()
    ]


def bare(site: Site, names: list[str]) -> list[float]:
    """Create as many services at once as there are names; return when each answered, in seconds.

    They are removed again.
    """
    with ThreadPoolExecutor(len(names)) as pool:
        began = time.time()
        started = list(pool.map(lambda name: site.floor.start(name, every=_EVERY), names))
    for service in started:
        site.floor.stop(service)
    return [service.answering - began for service in started]


def arrive(site: Site, names: list[str]) -> list[float]:
    """Start a server of each user at once; return when each was ready, in seconds."""
    site.hub.add(*names)
    with ThreadPoolExecutor(len(names)) as pool:
        began = time.time()
        started: list[Start] = list(pool.map(site.hub.start, names))
    return [start.ready - began for start in started]


def leave(site: Site, names: list[str]) -> None:
    """Stop the server of each user."""
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(site.hub.stop, names))


def _ours(site: Site, names: list[str], samples: Samples) -> list[float]:
    size = len(names)
    with _asking(site) as asked:
        ready = arrive(site, names)
    if inf in asked:
        raise RuntimeError(f"The hub's API did not answer while a class of {size} arrived.")
    samples["swarmhub", f"{size}: API p99"].append(quantile(asked, 0.99))
    samples["swarmhub", f"{size}: API longest"].append(max(asked))
    samples["swarmhub", f"{size}: overtaken"].append(_overtaken(site, names))
    leave(site, names)
    return ready


def _overtaken(site: Site, names: list[str]) -> float:
    """Return how many servers were created before one whose record is older."""
    records = json.loads(site.stack.swarmhub("get", "notebooks", "-o", "json"))["items"]
    asked = {
        record["metadata"]["name"]: epoch(record["metadata"]["specWrittenAt"]) for record in records
    }
    services = site.engine.call("GET", "/services")
    created = {
        service["Spec"]["Labels"].get("swarmhub.notebook"): epoch(service["CreatedAt"])
        for service in services
    }
    queue = sorted(names, key=asked.__getitem__)
    order = sorted(names, key=created.__getitem__)
    place = {name: number for number, name in enumerate(order)}
    return float(sum(place[a] > place[b] for a, b in pairwise(queue)))


@contextmanager
def _asking(site: Site) -> Iterator[list[float]]:
    """Ask the hub's API all the while, from another process; the list is filled at the end."""
    taken: list[float] = []
    url, token = site.hub.url, site.token_file
    process = subprocess.Popen(
        [sys.executable, str(Path(asker.__file__)), url, str(token), str(_ASKED_EVERY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield taken
        told, _ = process.communicate(timeout=_ANSWERED_WITHIN)
        taken += json.loads(told)
    finally:
        process.kill()
        process.wait()
