"""Many records, and many people who wait: what store and hub take for them, without any engine."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from swarmhub_crds.notebook import Desired
from swarmhub_crds.store import Store
from swarmhub_spawner.hubstate import HubState
from swarmhub_spawner.waits import until_ready

from bench.results import Figure
from bench.say import say
from bench.size import program
from bench.size.crowd import asked, named
from bench.stats import quantile

NAME: Final = "waits"
SIZES: Final = (1_000, 10_000)
WAITING: Final = 1_000  # starts that the hub waits for at once
_OPERATIONS = 300
_WITHIN = 300.0  # seconds
_TICK = 0.01  # seconds


def run(_rounds: int) -> list[Figure]:
    """Measure each size once.

    Raises:
        Exception: something was not done.
    """
    return [figure for size in SIZES for figure in _size(size)]


def _size(size: int) -> list[Figure]:
    figures: list[Figure] = []

    def take(what: str, samples: list[float]) -> None:
        say(f"{size} records: {what} {quantile(samples, 0.5):.4g} s, most {max(samples):.4g} s")
        measure = f"{size}: {what}"
        made = Figure(scenario=NAME, contender="swarmhub", measure=measure, samples=tuple(samples))
        figures.append(made)

    with tempfile.TemporaryDirectory() as folder:
        with closing(Store.open(f"sqlite:///{folder}/state.db")) as store:
            for number in range(size):
                asked(store, named(number))
            some = random.Random(1).choices(range(size), k=_OPERATIONS)
            take("read one record", _timed(store.get_notebook, some))
            take("write one spec", _timed(lambda n: store.set_desired(n, Desired.RUNNING), some))
            take("list all records", _timed(lambda _: store.list_notebooks(), range(10)))
        heard, late = asyncio.run(_wait(Path(folder)))
        take("from the operator's word to the waiting start", heard)
        take("hub's loop held up", late)
    return figures


def _timed(act: Callable[[str], object], numbers: Any) -> list[float]:
    taken = []
    for number in numbers:
        began = time.perf_counter()
        act(named(number))
        taken.append(time.perf_counter() - began)
    return taken


async def _wait(folder: Path) -> tuple[list[float], list[float]]:
    """Wait as the hub does; return how long after its word each was heard, and how late it was."""
    state = HubState(f"sqlite:///{folder}/state.db", asyncio.get_running_loop())
    heard: dict[str, float] = {}

    async def start(name: str) -> None:
        if await until_ready(state, name, _WITHIN) is None:
            raise TimeoutError(f"Waited {_WITHIN:g} s in vain for {name}.")
        heard[name] = time.time()

    late: list[float] = []
    names = [named(number) for number in range(WAITING)]
    teller = program.start("bench.size.teller", str(folder), str(WAITING))
    try:
        await asyncio.to_thread(_line, teller)
        starts = [asyncio.create_task(start(name)) for name in names]
        await _known(state, names)
        ticking = asyncio.create_task(_tick(late))
        _send(teller)
        told, _ = await asyncio.gather(asyncio.to_thread(_line, teller), asyncio.gather(*starts))
        ticking.cancel()
    finally:
        teller.kill()
        teller.wait()
        await state.close()
    moments = json.loads(told)
    return [heard[name] - moments[name] for name in names], late


def _line(process: subprocess.Popen[str]) -> str:
    """Read a line that it says.

    Raises:
        RuntimeError: it has ended.
    """
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("The process that tells has ended.")
    return line


def _send(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


async def _known(state: HubState, names: list[str]) -> None:
    """Wait until the hub has read all records once."""
    for name in names:
        with state.listening(name) as changed:
            if state.latest(name) is None:
                await asyncio.wait_for(changed.wait(), _WITHIN)


async def _tick(late: list[float]) -> None:
    """Note again and again by how much the loop comes too late."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK)
        late.append(time.perf_counter() - began - _TICK)
