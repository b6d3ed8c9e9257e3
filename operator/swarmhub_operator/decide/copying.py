"""Copying the content of a home: the errands that do it, and what they say. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmhub_crds.home import Home, HomePhase

from swarmhub_operator.decide.build import home_labels
from swarmhub_operator.decide.containers import literal
from swarmhub_operator.decide.errands import Errand, Order
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node

PORT = 8090  # on which an errand gives or takes content
IDLE = 300  # seconds without a request after which it gives up


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a content errand has said last.

    Attributes:
        error: one sentence; "" if all went well.
        entries: how many files, folders and so on there are.
        size: of all files together, in bytes.
        digest: SHA-256 of the listing of all entries (`listing.line`); "" if none was made.
        sealed: whether what was received had a checksum of its own, which was right.
        kept: name of the folder that holds what was there before; "" if there is none.
        changed: how many files changed while they were read.
    """

    error: str = ""
    entries: int = 0
    size: int = 0
    digest: str = ""
    sealed: bool = False
    kept: str = ""
    changed: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as the last line that an errand prints."""
        if self.error:
            return {"error": self.error}
        told = {"entries": self.entries, "bytes": self.size, "digest": self.digest}
        more = {"sealed": self.sealed, "kept": self.kept, "changed": self.changed}
        return told | {key: value for key, value in more.items() if value}


def read_outcome(document: Mapping[str, Any]) -> Outcome:
    """Read what `Outcome.document` made.

    Raises:
        ValueError: it is something else.
    """
    if "error" in document:
        return Outcome(error=str(document["error"]))
    try:
        return Outcome(
            entries=int(document["entries"]),
            size=int(document["bytes"]),
            digest=str(document["digest"]),
            sealed=bool(document.get("sealed", False)),
            kept=str(document.get("kept", "")),
            changed=int(document.get("changed", 0)),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("the outcome of an errand is not understood") from error


def outcome(output: str) -> Outcome | None:
    """Read how an errand ended from all that it printed; None if it has not said so."""
    documents = [_document(text) for text in output.splitlines()]
    last = documents[-1] if documents else {}
    try:
        return read_outcome(last)
    except ValueError:
        return None


def progress(output: str) -> int:
    """Return how many bytes an errand has said to have copied so far."""
    told = (_document(text).get("progress") for text in output.splitlines())
    return max((number for number in told if isinstance(number, int)), default=0)


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def url(address: str) -> str:
    """Return where an errand at this address of its network is reached."""
    return f"http://{address}:{PORT}"


def send_order(
    home: Home,
    node: Node,
    *,
    network: str,
    secret: tuple[str, str],
    why: str,
    by: str = "operator",
) -> Order:
    """Order that the home's content on `node` be given away; it is only read.

    Args:
        home: whose.
        node: that holds it.
        network: on which it is fetched.
        secret: id and name of the secret that holds the token.
        why: what makes it another errand than one for the same home and another purpose.
        by: who asks.
    """
    volume = _volume(home)
    # Were the volume gone, the engine would make one: it must not pass for the home.
    volume["VolumeOptions"]["Labels"] = {labels.ERRAND: Errand.SEND.value}
    return Order(
        kind=Errand.SEND,
        node_id=node.id,
        arguments=(f"--idle={IDLE}",),
        about=(home.metadata.uid, why),
        volume={**volume, "ReadOnly": True},
        network=network,
        secret=secret,
        by=by,
    )


def receive_order(
    home: Home,
    node: Node,
    store: str,
    *,
    network: str,
    secret: tuple[str, str],
    why: str,
    source: str = "",
    replace: bool = False,
    trusted: bool = False,
    by: str = "operator",
) -> Order:
    """Order that the home's volume on `node` be filled, and made if it is not there.

    Args:
        home: whose.
        node: that holds it, or is to.
        store: uid of the store, which a new volume is labelled with.
        network: on which the content comes.
        secret: id and name of the secret that holds the token; the sender's own.
        why: what makes it another errand than one for the same home and another purpose.
        source: URL of the sender; "": the content is brought.
        replace: remove what is there instead of setting it aside.
        trusted: take devices and programs that run with another user's rights, too.
        by: who asks.
    """
    flags = (("--replace",) if replace else ()) + (("--trusted",) if trusted else ())
    volume = _volume(home)
    owned = home_labels(home, store)
    volume["VolumeOptions"]["Labels"] = {k: literal(v) for k, v in owned.items()}
    return Order(
        kind=Errand.RECEIVE,
        node_id=node.id,
        arguments=(f"--idle={IDLE}", *flags, *((source,) if source else ())),
        about=(home.metadata.uid, why),
        volume=volume,
        network=network,
        secret=secret,
        by=by,
    )


def _volume(home: Home) -> dict[str, Any]:
    driver: dict[str, Any] = {"Name": home.spec.driver}
    if home.spec.driver_options:
        driver["Options"] = {k: literal(v) for k, v in home.spec.driver_options.items()}
    return {
        "Type": "volume",
        "Source": home.metadata.name,
        # Whatever the image has at the mount point is no part of a home.
        "VolumeOptions": {"NoCopy": True, "DriverConfig": driver},
    }


def where(home: Home, nodes: Mapping[str, Node], nearest: str) -> Node | str:
    """Return the node on which the home's content can be reached, or why there is none.

    Args:
        home: whose.
        nodes: of the Swarm, by id.
        nearest: id of the node that is taken for a home which every node reaches.
    """
    name, status = home.metadata.name, home.status
    if status.phase is HomePhase.LOST:
        return f"The home {name} is lost: {status.message or 'its volume is not on its node.'}"
    if status.phase in (HomePhase.DELETING, HomePhase.MOVING):
        what = "moving" if status.phase is HomePhase.MOVING else "being deleted"
        return f"The home {name} is {what}; try again when that is done."
    if status.phase is HomePhase.PENDING or (home.node_local and status.node_id is None):
        return (
            f"The home {name} has no volume yet, on no node; "
            "start and stop its server once, which makes it."
        )
    if not home.node_local:
        usable = sorted(n.id for n in nodes.values() if n.usable)
        if not usable:
            return f"No node takes tasks now, so the home {name} cannot be reached; try again."
        return nodes[nearest if nearest in usable else usable[0]]
    return _on(home, nodes)


def _on(home: Home, nodes: Mapping[str, Node]) -> Node | str:
    name, status = home.metadata.name, home.status
    node = nodes.get(status.node_id or "")
    if node is None:
        return f"The home {name} lies on the node {status.node}, which has left the Swarm."
    if not node.usable:
        return (
            f"The home {name} lies on the node {node.hostname}, which {node.hindrance}; "
            "try again when it takes tasks."
        )
    return node
