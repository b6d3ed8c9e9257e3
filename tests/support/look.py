"""What runs for a notebook on a node, as the engine itself tells it."""

import json
import os
import signal
from typing import Any

from support.node import Node
from support.waiting import wait_for


def containers(node: Node, label: str) -> list[str]:
    """Return the full ids of the running containers with a label, as in "key=value"."""
    return node.docker("ps", "--quiet", "--no-trunc", "--filter", f"label={label}").split()


def notebook_container(node: Node, notebook: str) -> str:
    """Return the one running container of a notebook.

    Raises:
        TimeoutError: there was not exactly one within the time.
    """
    label = f"swarmhub.notebook={notebook}"
    found = wait_for(
        f"one container of {notebook}",
        lambda: found if len(found := containers(node, label)) == 1 else None,
        timeout=30,
    )
    assert found is not None
    return found[0]


def stack_container(node: Node, service: str) -> str:
    """Return the running container of one of the stack's own services, as in "hub".

    Raises:
        TimeoutError: none ran within the time.
    """
    label = f"com.docker.swarm.service.name=swarmhub_{service}"
    return wait_for(f"the {service} to run", lambda: containers(node, label), timeout=60)[0]


def log(node: Node, container: str) -> str:
    """Return all that a container wrote, to either of its outputs."""
    return bytes(node.client.containers.get(container).logs()).decode(errors="replace")


def kill_container(node: Node, container: str) -> None:
    """End a container's process with SIGKILL, as a crash would."""
    os.kill(node.pid_of_container(container), signal.SIGKILL)


def services(node: Node, label: str) -> list[dict[str, Any]]:
    """Return the services with a label as the engine describes them."""
    ids = node.docker("service", "ls", "--quiet", "--filter", f"label={label}").split()
    found: list[dict[str, Any]] = json.loads(node.docker("service", "inspect", *ids)) if ids else []
    return found


def secrets(node: Node, label: str) -> list[str]:
    """Return the names of the secrets with a label."""
    listing = ("secret", "ls", "--format", "{{.Name}}", "--filter", f"label={label}")
    return node.docker(*listing).split()
