"""How many starts at a time are best: a class arrives, with the gate open more or less wide."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from bench.alternate import turns
from bench.results import Figure, figures_of
from bench.say import say
from bench.scenarios.arrival import arrive, bare, leave
from bench.site.site import Site
from bench.stats import spread

NAME: Final = "width"
SIZE: Final = 20  # servers
PER_CORE: Final = (0.5, 1.0, 1.5, 2.0, 3.0, 10.0)
_ROUNDS = 3  # at most: each takes minutes
_FLOOR = 0.0  # in place of a width: the engine alone


def run(site: Site, rounds: int) -> list[Figure]:
    """Let a class arrive, with each width in turn, and beside that at the engine alone.

    Raises:
        Exception: one server did not start.
    """
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn, per_core in enumerate(turns((_FLOOR, *PER_CORE), min(rounds, _ROUNDS))):
        names = [f"width-{turn}-{seat:02}" for seat in range(SIZE)]
        if per_core != _FLOOR:
            _open(site, per_core)
        site.calm()
        ready = bare(site, names) if per_core == _FLOOR else arrive(site, names)
        if per_core != _FLOOR:
            leave(site, names)
        median, last = spread(ready).median, max(ready)
        who = "floor" if per_core == _FLOOR else f"{per_core:g} per core"
        samples[who, "median"].append(median)
        samples[who, "last"].append(last)
        say(f"class of {SIZE}, {who}: median {median:.1f} s, last {last:.1f} s")
    return figures_of(NAME, samples)


def _open(site: Site, per_core: float) -> None:
    """Give the operator a policy with this width.

    Raises:
        RuntimeError: `make up` failed.
    """
    policy = site.node.folder / "bench_policy.yaml"
    policy.write_text(f"starts_per_core: {per_core}\n")
    done = site.stack.up(OPERATOR_POLICY=str(policy))
    if done.returncode:
        raise RuntimeError(f"images/bin/up failed.\n{done.stdout}")
