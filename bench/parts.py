"""Where the time of one start goes: a start's moments, and the parts between them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

PARTS = (
    ("hub", "the hub's work, and the record"),
    ("noticed", "from the record to the operator's first call of the engine"),
    ("engine calls", "secret and service"),
    ("scheduling", "Swarm: a node, an address, the order to it"),
    ("container", "made and started"),
    ("Jupyter", "its own start, until it answers"),
    ("seen", "from its first answer to the operator's word in the store"),
    ("hub, route", "from that word to ready: the hub's own look, and the route"),
)
_GRAIN = 0.002  # seconds; some moments are written to the millisecond
_FRACTION = re.compile(r"(\.\d{1,6})\d*")


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happened, in seconds since 1970, in this order."""

    asked: float
    recorded: float
    called: float
    created: float
    container: float
    started: float
    answering: float
    told: float
    ready: float

    def parts(self) -> dict[str, float]:
        """Return how long each part took, by its name in `PARTS`.

        Raises:
            ValueError: a moment lies before the one that it follows from.
        """
        at = [getattr(self, field) for field in self.__slots__]
        lengths = [after - before for before, after in pairwise(at)]
        names = [name for name, _ in PARTS]
        wrong = [name for name, length in zip(names, lengths, strict=True) if length < -_GRAIN]
        if wrong:
            raise ValueError(f"These parts end before they begin: {', '.join(wrong)} ({self}).")
        return {name: max(0.0, length) for name, length in zip(names, lengths, strict=True)}


def epoch(text: str) -> float:
    """Return seconds since 1970 of a time as Docker (to the nanosecond) or ISO 8601 writes it.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def calls(log: Iterable[str], notebook: str) -> list[tuple[str, float, float]]:
    """Return the operator's calls for a notebook: which, and when each began and ended.

    Args:
        log: lines of its log.
        notebook: name of the record.
    """
    found = []
    for line in log:
        entry = _entry(line)
        if entry.get("event") == "action" and entry.get("notebook") == notebook:
            ended = epoch(str(entry["timestamp"]))
            found.append((str(entry["action"]), ended - float(str(entry["duration"])), ended))
    return found


def _entry(line: str) -> Mapping[str, object]:
    if not line.startswith("{"):
        return {}
    entry: Mapping[str, object] = json.loads(line)
    return entry
