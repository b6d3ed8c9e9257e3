"""The program of an errand: does one thing on its node, and says on standard output how it went.

Usage: python3 -m swarmhub_operator.errand KIND ARGUMENT...
"""

from __future__ import annotations

import sys

from swarmhub_operator.decide.errands import Errand
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.errand import content, volumes
from swarmhub_operator.errand.probe import probe

UNKNOWN = 64  # exit code: EX_USAGE of sysexits.h


def main(arguments: list[str]) -> int:
    """Run one errand and return its exit code."""
    kind, *given = arguments
    try:
        match Errand(kind), given:
            case Errand.INVENTORY, [] | ["--measured"]:
                return volumes.inventory(measured=bool(given))
            case Errand.REMOVE, [volume, uid]:
                return volumes.remove(volume, uid)
            case Errand.PROBE, asked:
                return probe(asked)
            case known, _ if known in content.KINDS:
                return content.run(known, given)
            case _:
                sys.stdout.write(f"No errand {arguments!r} is known to this image.\n")
                return UNKNOWN
    except EngineError as error:
        sys.stdout.write(error.sentence + "\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
