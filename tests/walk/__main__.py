"""A random walk of a whole swarmhub on three nodes: whatever happens, nobody loses a file.

    cd tests && uv run python -m walk MINUTES [SEED]

The seed decides on the steps. A failure tells it, and the steps so far.
"""

from __future__ import annotations

import secrets
import sys
import time
from random import Random

from walk.checks import check, errands_end
from walk.site import Person, Site, three_nodes
from walk.steps import PATIENCE, Steps, mend

_PINNED, _FLOATING = 4, 1  # people
_MENDED_EVERY = 25  # steps


def main(arguments: list[str]) -> int:
    """Walk for so many minutes; 1 if something went wrong."""
    minutes = float(arguments[0])
    seed = int(arguments[1]) if len(arguments) > 1 else secrets.randbelow(10**6)
    say(f"seed {seed}")
    with three_nodes() as nodes:
        names = [*(f"walk-{n}" for n in range(_PINNED)), *(f"float-{n}" for n in range(_FLOATING))]
        people = [Person(nodes.stack.login(n), n.startswith("float")) for n in names]
        return walk(Site(nodes, people), seed, 60 * minutes)


def walk(site: Site, seed: int, seconds: float) -> int:
    """Take steps for so many seconds; 1 if something went wrong."""
    steps, taken = Steps(site, Random(seed)), 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            taken += 1
            say(f"{taken:4} {mend(site) if taken % _MENDED_EVERY == 0 else steps.take()}")
            check(site)
        say(f"     {mend(site)}")
        check(site)
        errands_end(site, PATIENCE)
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed and the steps belong to it
        say(f"After {taken} steps of the seed {seed}: {type(error).__name__}: {error}")
        return 1
    say(f"{taken} steps of the seed {seed}: no file lost, no home empty, no server twice")
    return 0


def say(line: str) -> None:
    """Tell at once what happens."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
