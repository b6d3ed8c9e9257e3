"""Errands: one-off services, each pinned to a node, which do one thing there and end. Pure.

A manager reaches neither the volumes nor the engine of another node (moby#35179); a service can be
sent there. Not a Swarm job: one of those runs once more after a change of leader (moby#53632).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from swarmhub_operator.decide.containers import STOP_GRACE_NS
from swarmhub_operator.engine import labels

PROGRAM = ("python3", "-m", "swarmhub_operator.errand")
ENGINE_SOCKET = "/run/docker.sock"  # in the container
VOLUME = "/volume"  # in the container


class Errand(StrEnum):
    """What can be done on another node."""

    INVENTORY = "inventory"  # list its volumes
    REMOVE = "remove"  # remove a volume that carries a home's uid
    SEND = "send"  # give away the content of a volume
    RECEIVE = "receive"  # fill a volume
    DIGEST = "digest"  # tell what is in a volume
    PROBE = "probe"  # tell clock, disk, and what can be reached from there


@dataclass(frozen=True, slots=True)
class Order:
    """One errand.

    Attributes:
        kind: what is to be done.
        node_id: where.
        arguments: of the program, after the kind.
        about: what makes two errands of the same kind and node different: a volume, a home's uid.
        volume: the engine API's mount of the volume that it works on; else it gets the engine,
            unless it is a probe.
        network: that it is reached on.
        secret: id and name of the Swarm secret that it reads its token from.
        within: seconds that it may take on a node that is up, the pull of its image included.
        by: who asked for it. What the operator asked for, it clears away itself.
    """

    kind: Errand
    node_id: str
    arguments: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    volume: dict[str, Any] | None = None
    network: str | None = None
    secret: tuple[str, str] | None = None
    within: float = 300.0
    by: str = "operator"


@dataclass(frozen=True, slots=True)
class Means:
    """What every errand of an operator needs.

    Attributes:
        store: uid of the store.
        image: that holds this program, by digest; "": there is none, and so are no errands.
        socket: of the engine, as a path on every node.
    """

    store: str
    image: str = ""
    socket: str = "/var/run/docker.sock"


def name(order: Order, store: str) -> str:
    """Return the service's name: the same for the same errand, which is so never run twice."""
    what = [store, order.by, order.kind, order.node_id, *order.about]
    return f"swarmhub-errand-{sha256(json.dumps(what).encode()).hexdigest()[:16]}"


def spec(order: Order, means: Means) -> dict[str, Any]:
    """Build the service spec of an errand, in the engine API's own form."""
    return {
        "Name": name(order, means.store),
        "Labels": {
            labels.ERRAND: order.kind.value,
            labels.ERRAND_STORE: means.store,
            labels.ERRAND_OF: order.by,
        },
        "TaskTemplate": {
            "ContainerSpec": _container(order, means),
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": [f"node.id=={order.node_id}"]},
            "Networks": [{"Target": order.network}] if order.network else [],
            # What it found out is read from its log, which not every driver gives back.
            "LogDriver": {"Name": "json-file"},
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def _container(order: Order, means: Means) -> dict[str, Any]:
    container: dict[str, Any] = {
        "Image": means.image,
        "Command": [*PROGRAM, order.kind.value, *order.arguments],
        # Files of every user are read and written as they are; the engine's socket is root's.
        "User": "0:0",
        "ReadOnly": True,
        "Healthcheck": {"Test": ["NONE"]},  # the image's own asks for an operator
        "StopGracePeriod": STOP_GRACE_NS,
    }
    if order.kind is Errand.PROBE:  # it touches nothing, and so is nobody
        return {**container, "User": "65534:65534", "CapabilityDrop": ["ALL"]}
    if order.volume is None:
        socket = {"Type": "bind", "Source": means.socket, "Target": ENGINE_SOCKET}
        return {**container, "Mounts": [socket], "CapabilityDrop": ["ALL"]}
    container |= {"CapabilityDrop": ["ALL"], "CapabilityAdd": [*_capabilities(order)]}
    container["Mounts"] = [{**order.volume, "Target": VOLUME}]
    if order.secret:
        ident, called = order.secret
        file = {"Name": "token", "UID": "0", "GID": "0", "Mode": 0o400}
        container["Secrets"] = [{"File": file, "SecretID": ident, "SecretName": called}]
    return container


def _capabilities(order: Order) -> tuple[str, ...]:
    """Return what root needs to read every user's files and, of a receiver, to write them."""
    read = ("CAP_DAC_OVERRIDE",)
    if order.kind is not Errand.RECEIVE:
        return read
    return (*read, "CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP")
