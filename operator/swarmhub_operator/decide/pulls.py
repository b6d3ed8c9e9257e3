"""The service that has one node pull one image: its shape, and what its task tells. Pure.

Nothing of the image is run: the command does not exist in it. A task that comes so far as to fail
for that has been pulled and made into a container; one that was not is rejected before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service, Task, TaskState

PULL: Final = "pull"  # value of the label ERRAND
COMMAND: Final = "/swarmhub/pulled"
_PULLED: Final = frozenset(
    {
        TaskState.READY,
        TaskState.STARTING,
        TaskState.RUNNING,
        TaskState.COMPLETE,
        TaskState.FAILED,
    }
)
Key = tuple[str, str]  # id of a node, image by digest


@dataclass(frozen=True, slots=True)
class Sent:
    """A pull that is under way or over: its service, and its task once there is one."""

    service: Service
    task: Task | None = None


def is_pull(service: Service) -> bool:
    """Whether a one-off service of ours is there for a pull alone."""
    return service.labels.get(labels.ERRAND) == PULL


def sent(services: Iterable[Service], tasks: Mapping[str, Task]) -> dict[Key, Sent]:
    """Return the pulls among one-off services; `tasks` are the newest by service id."""
    return {
        (service.pin or "", service.image): Sent(service, tasks.get(service.id))
        for service in services
        if is_pull(service)
    }


def is_pulled(task: Task) -> bool:
    """Whether the task shows that its node has the image."""
    return task.state in _PULLED


def spec(key: Key, store: str) -> dict[str, Any]:
    """Build the service spec of a pull; the same pull has the same name, and is so sent once."""
    node, reference = key
    ident = sha256(json.dumps([store, node, reference]).encode()).hexdigest()[:16]
    return {
        "Name": f"swarmhub-pull-{ident}",
        "Labels": {
            labels.ERRAND: PULL,
            labels.ERRAND_STORE: store,
            labels.ERRAND_OF: "prepull",
        },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": reference,
                "Command": [COMMAND],
                "User": "65534:65534",
                "ReadOnly": True,
                "CapabilityDrop": ["ALL"],
                "Healthcheck": {"Test": ["NONE"]},
            },
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": [f"node.id=={node}"]},
            "Networks": [],
            "LogDriver": {"Name": "none"},
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }
