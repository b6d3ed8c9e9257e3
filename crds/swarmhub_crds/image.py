"""Images that the nodes are to have before anybody waits for them, and which node has which."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from swarmhub_crds.base import Tolerant, UtcTime
from swarmhub_crds.notebook import Notebook, PullPolicy


class Pull(StrEnum):
    """How one node stands with one image."""

    WAITING = "Waiting"  # for its turn, or for the node to take tasks
    PULLING = "Pulling"
    PRESENT = "Present"
    FAILED = "Failed"  # and tried again later


class OnNode(Tolerant):
    """One image on one node, as far as it is known to a manager."""

    node_id: str
    node: str  # hostname
    reference: str  # the image by its digest: what the state is about
    state: Pull = Pull.WAITING
    since: UtcTime
    message: str = ""  # one sentence: why it waits or has failed
    failures: int = Field(default=0, ge=0)  # in a row


class SeenImage(Tolerant):
    """One image that the nodes are to have."""

    image: str  # as it was named
    origin: str = ""  # who asks for it: policy, operator, hub
    reference: str = ""  # by digest: what starts use; "" while no registry has told
    coming: str = ""  # a newer digest, which starts use once the nodes have it
    message: str = ""  # one sentence: why it is not pulled, or not anew
    nodes: tuple[OnNode, ...] = ()

    @property
    def target(self) -> str:
        """What the nodes are to have."""
        return self.coming or self.reference


def newer_content(notebook: Notebook, seen: Iterable[SeenImage]) -> str:
    """Return the image, by digest, that a start would take in place of what runs; "": the same.

    It is also "" where that is not known: no registry told a digest, or nobody keeps the image.
    """
    running = _digest(notebook.status.image or "")
    if not running or notebook.spec.pull_policy is PullPolicy.NEVER:
        return ""
    for found in seen:
        digest = _digest(found.reference)
        if found.image == notebook.spec.image and digest and digest != running:
            return found.reference
    return ""


def _digest(reference: str) -> str:
    return reference.partition("@")[2]
