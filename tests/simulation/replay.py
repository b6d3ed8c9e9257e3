"""Repeat one run of a campaign.

    cd tests && uv run python -m simulation.replay CAMPAIGN WORD… SEED

With `--log` the operators' own log is shown.
"""

from __future__ import annotations

import importlib
import os
import sys

from simulation.campaign import ORDER, Case, attempt, order, quiet

LOG = "--log"


def main(arguments: list[str]) -> int:
    """Run the case that the words say; 1 if it goes wrong."""
    words = [word for word in arguments if word != LOG]
    if len(words) < 2 or not words[-1].isdigit():
        sys.stderr.write(f"{__doc__}\n")
        return 2
    if LOG not in arguments:
        quiet()
    case = Case(words[0], tuple(words[1:-1]), int(words[-1]))
    failed = attempt(importlib.import_module(f"simulation.{case.campaign}").play, case)
    sys.stdout.write(f"{failed.message if failed else 'Nothing went wrong.'}\n")
    return 1 if failed else 0


def _again_in_order() -> None:
    """Start anew where sets are gone through in another order than in the run to be repeated."""
    if os.environ.get(ORDER) != order():
        os.environ[ORDER] = order()
        os.execv(sys.executable, sys.orig_argv)


if __name__ == "__main__":
    _again_in_order()
    sys.exit(main(sys.argv[1:]))
