"""Homes, as `swarmhub homes` tells of them and as they lie on the nodes."""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from support import look
from support.node import Node
from support.shell import CommandError
from support.stack import HubStack
from support.waiting import wait_for

PATIENCE = 120.0  # seconds for what the operator has done on another node
_UID, _GID = 1000, 100  # of whoever works in a notebook
_ASKING = 90.0  # seconds; the command gives the nodes a minute


def of(user: str) -> str:
    """Return the name of a user's home."""
    return f"jupyterhub-user-{user}"


def survey(stack: HubStack, *options: str) -> dict[str, Any]:
    """Return what `swarmhub homes` tells as JSON."""
    said = stack.swarmhub("homes", "-o", "json", *options, timeout=_ASKING)
    found: dict[str, Any] = json.loads(said)
    return found


def states(stack: HubStack, home: str, *options: str) -> dict[str, str]:
    """Return what `swarmhub homes` says of a home: for each node, Bound, Missing and so on."""
    rows = survey(stack, *options)["items"]
    return {row["node"]: row["state"] for row in rows if row["name"] == home}


def record(stack: HubStack, home: str) -> dict[str, Any]:
    """Return the record of a home."""
    found: dict[str, Any] = json.loads(stack.swarmhub("get", "home", home, "-o", "json"))
    return found


def phase(stack: HubStack, home: str) -> str:
    """Return the phase of a home's record."""
    return str(record(stack, home)["status"]["phase"])


def exists(stack: HubStack, home: str) -> bool:
    """Whether there is a record of that name."""
    return f"home/{home}" in stack.swarmhub("get", "homes", "-o", "name").split()


def give_up_on(stack: HubStack, nodes: Collection[str]) -> None:
    """Give up all homes that lie on some nodes, so that their users can start without these.

    Raises:
        TimeoutError: one was not given up.
    """
    for name in _lying_on(stack, nodes):
        stack.swarmhub("homes", "forget", name, "--yes")
    wait_for("their homes to be given up", lambda: not _lying_on(stack, nodes), PATIENCE)


def _lying_on(stack: HubStack, nodes: Collection[str]) -> list[str]:
    records = json.loads(stack.swarmhub("get", "homes", "-o", "json"))["items"]
    return [one["metadata"]["name"] for one in records if one["status"]["node"] in nodes]


def labels(node: Node, volume: str) -> dict[str, str] | None:
    """Return the labels of a volume on a node; None: it has none."""
    told = node.docker("volume", "inspect", "--format", "{{json .Labels}}", volume)
    found: dict[str, str] | None = json.loads(told)
    return found


def content(node: Node, volume: str, file: str) -> str | None:
    """Read a file of a volume on a node, also on one that does not run; None: it is not there."""
    path = _folder(node, volume) / file
    return path.read_text() if path.exists() else None


def fill(node: Node, volume: str, file: str, text: str) -> None:
    """Write a file into a volume on a node, beside all containers, as the notebooks' user."""
    path = _folder(node, volume) / file
    path.write_text(text)
    for owned in (path, path.parent):
        os.chown(owned, _UID, _GID)


def _folder(node: Node, volume: str) -> Path:
    return node.folder / "data" / "volumes" / volume / "_data"


def ask_all_anew(stack: HubStack) -> None:
    """Have the operator take all nodes' inventories, by a restart, and wait until it has.

    Raises:
        TimeoutError: not every node told.
    """
    before = _told(stack)
    look.kill_container(stack.engine, look.stack_container(stack.engine, "operator"))
    wait_for("all nodes to tell anew", lambda: _all_later(before, _told(stack)), PATIENCE)


def _told(stack: HubStack) -> dict[str, str]:
    """Return when each node told last; nothing while the operator is not back."""
    look.stack_container(stack.engine, "operator")
    try:
        nodes = survey(stack, "--cached")["nodes"]
    except CommandError:  # the container that is being replaced
        return {}
    return {one["node"]: one["takenAt"] for one in nodes}


def _all_later(before: dict[str, str], now: dict[str, str]) -> bool:
    return all(now.get(node, "") > taken for node, taken in before.items())


def errands(manager: Node) -> list[str]:
    """Return the services that do something on a node once."""
    listing = ("service", "ls", "--filter", "label=swarmhub.errand", "--format", "{{.Name}}")
    return manager.docker(*listing).split()
