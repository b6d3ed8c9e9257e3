"""Many thousand notebooks, on a simulated engine: what the operator takes for them."""

from __future__ import annotations

import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from support.operators import OperatorProcess
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired
from swarmhub_crds.store import Store

from bench.results import Figure
from bench.say import say
from bench.site.engine import EngineClient
from bench.size.crowd import IMAGE, NETWORK, asked, named
from bench.size.pair import (
    SWEEPS_EVERY,
    Simulator,
    busy,
    looks,
    operator,
    quiet,
    requests,
    resident,
    swept,
)
from bench.stats import quantile

NAME: Final = "size"
SIZES: Final = (1_000, 10_000, 50_000)
MEMORY: Final = "memory"
GROWING: Final = ("cold start, all to adopt", "cold start, all known", "full sweep", MEMORY)
STORM: Final = 1_000  # starts at once
_STORMS = 3  # beside as many of the bare loop, in turns
_CHANGES = 100  # records that are changed, one at a time
_WORKERS = 8  # of an operator, and so connections of the bare loop
_MINUTE = 60.0  # seconds
_IDLE = 2 * SWEEPS_EVERY  # seconds
_SWEPT_WITHIN = 600.0  # seconds
_BETWEEN = 0.2  # seconds between two changes
_ALWAYS = 1.0  # seconds between sweeps: there is always one
_ADOPTED_WITHIN = 1800.0  # seconds


def run(_rounds: int) -> list[Figure]:
    """Measure each size once.

    Raises:
        Exception: something was not done.
    """
    return [figure for size in SIZES for figure in _size(size)]


def _size(size: int) -> list[Figure]:
    figures: list[Figure] = []

    def take(what: str, *samples: float, unit: Any = "s", who: str = "swarmhub") -> None:
        say(f"{size} notebooks, {who}: {what} {max(samples):.4g}")
        made = Figure(
            scenario=NAME, contender=who, measure=f"{size}: {what}", unit=unit, samples=samples
        )
        figures.append(made)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"{size} notebooks: filling store and Swarm")
        with Simulator(folder, size) as simulator:
            began = time.monotonic()
            with operator(simulator, folder, "first") as process:
                wait_for("all to be adopted", lambda: _running(process) >= size, _ADOPTED_WITHIN, 1)
                take("cold start, all to adopt", time.monotonic() - began)
                quiet(process, _ADOPTED_WITHIN)
            began = time.monotonic()
            with operator(simulator, folder, "second") as process:
                take("cold start, all known", quiet(process, _ADOPTED_WITHIN) - began)
                take("full sweep", _sweep(process))
                quiet(process, _ADOPTED_WITHIN)
                used, asked_before = busy(process), requests(process)
                time.sleep(_IDLE)
                take("share of a core, idle", (busy(process) - used) / _IDLE, unit="count")
                in_a_minute = (requests(process) - asked_before) * _MINUTE / _IDLE
                take("idle minute", in_a_minute, unit="requests")
                take(MEMORY, resident(process), unit="bytes")
            with closing(Store.open(f"sqlite:///{folder}/state/state.db")) as store:
                with operator(simulator, folder, "third", _ALWAYS) as process:
                    wait_for("the operator to lead", process.leads, 60)
                    wait_for("all to be known", lambda: looks(process) >= size, _SWEPT_WITHIN)
                    take("change to call, p99", quantile(_changes(store, simulator, size), 0.99))
                if size == SIZES[0]:
                    ours, bare = [], []
                    for turn in range(_STORMS):
                        with operator(simulator, folder, f"storm{turn}") as process:
                            quiet(process, _ADOPTED_WITHIN)
                            ours.append(_storm(store, simulator, turn))
                        bare.append(_bare_storm(simulator, turn))
                    take("storm", *ours)
                    take("storm", *bare, who="floor")
    return figures


def _running(process: OperatorProcess) -> int:
    """Return how many notebooks an operator has called Running, by its log."""
    lines = process.log.read_text().splitlines()
    return sum('"event": "phase"' in line and '"phase": "Running"' in line for line in lines)


def _sweep(process: OperatorProcess) -> float:
    """Wait for the next sweep, and return how many seconds it took."""
    count, seconds = swept(process)
    wait_for("a sweep to end", lambda: swept(process)[0] > count, _SWEPT_WITHIN)
    after, more = swept(process)
    return (more - seconds) / (after - count)


def _changes(store: Store, simulator: Simulator, size: int) -> list[float]:
    """Stop some notebooks, one at a time, while sweeps go on; how long until the engine is told."""
    taken = []
    for number in random.Random(1).sample(range(size), min(_CHANGES, size)):
        simulator.drain()
        name = named(number)
        changed = time.time()
        store.set_desired(name, Desired.STOPPED)
        called, _ = simulator.next_call()
        taken.append(called - changed)
        time.sleep(_BETWEEN)
    return taken


def _storm(store: Store, simulator: Simulator, turn: int) -> float:
    """Ask for many notebooks at once; how long until the last of their services is made."""
    simulator.drain()
    began = time.time()
    for number in range(STORM):
        asked(store, f"storm{turn}-{number:05}")
    made = 0
    while made < STORM:
        called, what = simulator.next_call()
        made += what.endswith("/services/create")
    return called - began


def _bare_storm(simulator: Simulator, turn: int) -> float:
    """Make as many secrets and services with as many connections as an operator has."""

    def make(number: int) -> None:
        name = f"bare{turn}-{number}"
        secret = engine.call(
            "POST", "/secrets/create", {"Name": name, "Data": "eA==", "Labels": {}}
        )
        spec = _service(name, str(secret["ID"]))
        engine.create_service(spec)

    with EngineClient(simulator.url) as engine, ThreadPoolExecutor(_WORKERS) as pool:
        began = time.monotonic()
        list(pool.map(make, range(STORM)))
        return time.monotonic() - began


def _service(name: str, secret: str) -> dict[str, Any]:
    file = {"Name": name, "UID": "0", "GID": "0", "Mode": 0o400}
    container = {
        "Image": IMAGE,
        "Secrets": [{"File": file, "SecretID": secret, "SecretName": name}],
    }
    return {
        "Name": name,
        "Labels": {},
        "TaskTemplate": {
            "ContainerSpec": container,
            "RestartPolicy": {"Condition": "none"},
            "Networks": [{"Target": NETWORK}],
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }
