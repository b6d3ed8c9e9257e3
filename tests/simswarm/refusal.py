"""The engine says no: an HTTP status and its own words."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - no error of the simulation
    """What the engine answers instead of doing what it was asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def invalid(message: str) -> Refusal:
    """Return the refusal of a request that is wrong in itself."""
    return Refusal(400, f"rpc error: code = InvalidArgument desc = {message}")


def gone(kind: str, reference: str) -> Refusal:
    """Return the refusal of a request for something that is not there."""
    return Refusal(404, f"{kind} {reference} not found")


OUT_OF_SEQUENCE = Refusal(500, "rpc error: code = Unknown desc = update out of sequence")
WORKER = Refusal(
    503,
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster "
    "state. Please run this command on a manager node or promote the current node to a manager.",
)
NO_SWARM = Refusal(
    503,
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect '
    "this node to swarm and try again.",
)
NO_LEADER = Refusal(
    500,
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too "
    "few managers are online. Make sure more than half of the managers are online.",
)
