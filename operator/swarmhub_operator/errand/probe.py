"""The errand that looks around on its node: clock, disk, names, and who can be reached."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from swarmhub_operator.decide.probes import CONNECT, RESOLVE, Sight
from swarmhub_operator.disks import disk_of

WITHIN: Final = 5.0  # seconds for one connection


def probe(given: Sequence[str]) -> int:
    """Print what is seen from here as one JSON document."""
    names = [word.removeprefix(RESOLVE) for word in given if word.startswith(RESOLVE)]
    places = [word.removeprefix(CONNECT) for word in given if word.startswith(CONNECT)]
    sight = Sight(
        names={name: _reason(_resolve, name) for name in names},
        connections={place: _reason(_connect, place) for place in places},
        disk=disk_of(Path("/")),  # a container's own root lies where the engine keeps volumes
        at=datetime.now(UTC),
    )
    sys.stdout.write(sight.model_dump_json() + "\n")
    return 0


def _reason(trial: Callable[[str], object], subject: str) -> str:
    """Return why a trial failed, or "" if it went well."""
    try:
        trial(subject)
    except (OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def _resolve(name: str) -> None:
    socket.getaddrinfo(name, None)


def _connect(place: str) -> None:
    host, _, port = place.rpartition(":")
    socket.create_connection((host, int(port)), timeout=WITHIN).close()
