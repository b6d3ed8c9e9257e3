"""The entry point of the `swarmhub` command."""

from __future__ import annotations

import io
import sys

from swarmhub_operator.cli import leash
from swarmhub_operator.cli.app import app


def main() -> None:
    """Run the command; what the terminal's encoding cannot show is printed as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    leash.take()
    app()


if __name__ == "__main__":
    main()
