"""Errands that ask a node's engine: which volumes it has, and to remove one of them."""

from __future__ import annotations

import json
import sys

from swarmhub_operator.decide.errands import ENGINE_SOCKET
from swarmhub_operator.decide.inventories import found_volume, lines
from swarmhub_operator.decide.removals import Outcome, may_remove
from swarmhub_operator.engine.docker_engine import DockerEngine
from swarmhub_operator.engine.errors import EngineError, Kind


def inventory(*, measured: bool) -> int:
    """Print every volume of this node, one JSON document a line, and last how many there are."""
    engine = DockerEngine(f"unix://{ENGINE_SOCKET}")
    found = engine.measured_volumes() if measured else engine.own_volumes()
    for line in lines([found_volume(volume) for volume in found]):
        sys.stdout.write(line + "\n")
    return 0


def remove(name: str, uid: str) -> int:
    """Remove a volume if it was made for the home with this uid; print and return the outcome.

    Raises:
        EngineError: the engine does not answer, or refuses for a reason of its own.
    """
    outcome = _remove(DockerEngine(f"unix://{ENGINE_SOCKET}"), name, uid)
    sys.stdout.write(json.dumps({"outcome": outcome.name.lower()}) + "\n")
    return outcome.value


def _remove(engine: DockerEngine, name: str, uid: str) -> Outcome:
    found = engine.find_volume(name)
    if found is None:
        return Outcome.ABSENT
    if not may_remove(found.labels, uid):
        return Outcome.FOREIGN
    try:
        engine.remove_volume(name)
    except EngineError as error:
        if error.kind in (Kind.IN_USE, Kind.TAKEN):
            return Outcome.IN_USE
        if error.kind is Kind.GONE:
            return Outcome.ABSENT
        raise
    return Outcome.REMOVED
