"""Changes of services by docker itself, as a stranger would make them."""

from support.node import Node
from support.sequence import in_sequence


def update(manager: Node, service: str, *options: str) -> None:
    """Run `docker service update`; Swarm notes by itself when an earlier update has ended.

    Raises: as `in_sequence`.
    """
    in_sequence(manager, "service", "update", "--detach", *options, service)
