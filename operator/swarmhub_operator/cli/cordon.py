"""`swarmhub cordon` and `uncordon`: whether a node takes servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from swarmhub_operator.cli import output
from swarmhub_operator.cli.machines import find_node
from swarmhub_operator.cli.options import DockerHost, engine_at
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.cordoning import Aim, cordoned, uncordoned
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.loop.nodechange import change
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST

NodeName = Annotated[
    str,
    typer.Argument(
        metavar="NODE", help="Its hostname or id, or the beginning of one.", show_default=False
    ),
]


def cordon(node: NodeName, docker_host: DockerHost = DEFAULT_DOCKER_HOST) -> None:
    """Let a node take no new servers. What runs there goes on."""
    _bring(node, docker_host, cordoned, "cordoned")


def uncordon(node: NodeName, docker_host: DockerHost = DEFAULT_DOCKER_HOST) -> None:
    """Let a node take servers again, and end its drain."""
    _bring(node, docker_host, uncordoned, "uncordoned")


def _bring(text: str, docker_host: str, aim: Callable[[Node], Aim], done: str) -> None:
    engine = engine_at(docker_host)
    node = find_node(engine.nodes(), text)
    already = "" if change(engine, node.id, aim) else " already"
    output.write(f"node/{safe(node.hostname)} {done}{already}")
