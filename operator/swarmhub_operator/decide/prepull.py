"""Which node pulls which image next, and how the nodes stand with the images. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from swarmhub_crds.image import OnNode, Pull, SeenImage

from swarmhub_operator.decide.prepull_policy import PrepullPolicy
from swarmhub_operator.decide.pulls import Key, Sent, is_pulled
from swarmhub_operator.decide.wishes import HUB, Wish
from swarmhub_operator.engine.observed import Node, Task, TaskState
from swarmhub_operator.engine.registries import registry_of

_ENDED_FOR_OTHER_REASONS = (TaskState.SHUTDOWN, TaskState.REMOVE, TaskState.ORPHANED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry said of an image: it by its digest, or one sentence on why not."""

    reference: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What is known of the world.

    Attributes:
        nodes: of the Swarm, by id.
        sent: pulls under way or over.
        now: the time.
        policy: how images get to nodes.
        answers: of the registries, by image, as far as they were asked.
        told: images of which a registry has told this operator before; what only the store says,
            which the hub can write, counts as long as no registry says something else.
        spent: what was pulled for the hub within a day.
    """

    nodes: Mapping[str, Node]
    sent: Mapping[Key, Sent]
    now: datetime
    policy: PrepullPolicy
    answers: Mapping[str, Answer] = field(default_factory=dict)
    told: AbstractSet[str] = frozenset()
    spent: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """How the nodes stand, which pulls to send, and which services (by id) are of no more use."""

    images: tuple[SeenImage, ...]
    send: tuple[Key, ...]
    remove: tuple[str, ...]


def plan(wishes: Iterable[Wish], before: Mapping[str, SeenImage], view: View) -> Plan:
    """Decide what is next; `before` is what the last plan said, by image."""
    images = tuple(_judged(wish, before.get(wish.image), view) for wish in wishes)
    going = {
        (entry.node_id, entry.reference)
        for image in images
        for entry in image.nodes
        if entry.state is Pull.PULLING
    }
    remove = tuple(s.service.id for key, s in view.sent.items() if key not in going)
    return Plan(images, _next(images, going, view), remove)


def _judged(wish: Wish, known: SeenImage | None, view: View) -> SeenImage:
    bare = SeenImage(image=wish.image, origin=wish.origin)
    if wish.refusal:
        return bare.model_copy(update={"message": wish.refusal})
    image = _resolved(known or bare, view)
    image = image.model_copy(update={"origin": wish.origin})
    if not image.target:
        return image.model_copy(update={"nodes": ()})
    if wish.origin == HUB and _is_too_much(image.target, view):
        most = view.policy.daily
        message = f"{most} images were pulled for the hub within a day, and no more are."
        return image.model_copy(update={"message": message, "nodes": ()})
    ordered = sorted(view.nodes.values(), key=lambda n: (n.hostname, n.id))
    entries = {(entry.node_id, entry.reference): entry for entry in image.nodes}
    nodes = tuple(_on_node(entries, node, image.target, view) for node in ordered)
    return _arrived(image.model_copy(update={"nodes": nodes}), view.nodes)


def _is_too_much(reference: str, view: View) -> bool:
    return reference not in view.spent and len(view.spent) >= view.policy.daily


def _resolved(image: SeenImage, view: View) -> SeenImage:
    """Return the image with what its registry says now; a newer digest is to come first."""
    answer = view.answers.get(image.image, Answer())
    update = {"message": answer.trouble, "reference": image.reference, "coming": image.coming}
    if image.reference and not _is_of(image.reference, image.image):
        update |= {"reference": "", "coming": ""}
    if image.coming and not _is_of(image.coming, image.image):
        update["coming"] = ""
    if answer.reference:
        is_first = not update["reference"] or image.image not in view.told
        if is_first or answer.reference == update["reference"]:
            update |= {"reference": answer.reference, "coming": ""}
        else:
            update["coming"] = answer.reference
    return image.model_copy(update=update)


def _is_of(reference: str, image: str) -> bool:
    return reference == image or reference.startswith(f"{image}@sha256:")


def _on_node(entries: Mapping[Key, OnNode], node: Node, target: str, view: View) -> OnNode:
    key = (node.id, target)
    fresh = OnNode(node_id=node.id, node=node.hostname, reference=target, since=view.now)
    # A node that has just joined has no name yet.
    entry = entries.get(key, fresh).model_copy(update={"node": node.hostname})
    sent = view.sent.get(key)
    if sent is not None:
        return _followed(entry, node, sent.task, view.now)
    if entry.state is Pull.PULLING:  # somebody removed its service
        entry = fresh
    if entry.state is Pull.WAITING:
        return entry.model_copy(update={"message": _hindrance(node)})
    return entry


def _hindrance(node: Node) -> str:
    return "" if node.usable else f"{node.hostname} {node.hindrance}."


def _followed(entry: OnNode, node: Node, task: Task | None, now: datetime) -> OnNode:
    if node.state != "ready":
        return _turned(entry, Pull.WAITING, now, _hindrance(node))
    if task is None:
        return _turned(entry, Pull.PULLING, now)
    if is_pulled(task):
        update = {"failures": 0, "since": now}
        return _turned(entry, Pull.PRESENT, now).model_copy(update=update)
    if task.state in _ENDED_FOR_OTHER_REASONS:
        return _turned(entry, Pull.WAITING, now)
    if task.ended:
        failed = _turned(entry, Pull.FAILED, now, _failure(node, entry.reference, task))
        return failed.model_copy(update={"failures": entry.failures + 1, "since": now})
    return _turned(entry, Pull.PULLING, now, task.error if task.stuck else "")


def _turned(entry: OnNode, state: Pull, now: datetime, message: str = "") -> OnNode:
    since = entry.since if entry.state is state else now
    return entry.model_copy(update={"state": state, "since": since, "message": message})


def _failure(node: Node, reference: str, task: Task) -> str:
    registry = registry_of(reference)
    near = registry.startswith(("127.", "localhost"))
    step = (
        "run `make worker` on it, so that it reaches the registry of the manager"
        if near
        else "see that it reaches the registry and trusts its certificate"
    )
    detail = task.error.rstrip(". ") or "no reason given"
    return (
        f"{node.hostname} could not pull it from {registry} ({detail}): {step}, that its disk has "
        "room, and what the log of its engine says."
    )


def _arrived(image: SeenImage, nodes: Mapping[str, Node]) -> SeenImage:
    """Have starts use what is to come, once each node that takes tasks has it or has failed to."""
    here = [entry for entry in image.nodes if nodes[entry.node_id].usable]
    tried = all(e.state is Pull.PRESENT or e.failures for e in here)
    if image.coming and tried and any(e.state is Pull.PRESENT for e in here):
        return image.model_copy(update={"reference": image.coming, "coming": ""})
    return image


def _next(images: Sequence[SeenImage], going: AbstractSet[Key], view: View) -> tuple[Key, ...]:
    """Choose what is sent now: what is due the longest, and few at a time of each registry."""
    under_way = Counter(registry_of(reference) for _, reference in going)
    chosen: list[Key] = []
    for _, key in sorted(_due(images, view), key=lambda d: d[0]):
        registry = registry_of(key[1])
        if under_way[registry] < view.policy.at_once and key not in chosen:
            under_way[registry] += 1
            chosen.append(key)
    return tuple(chosen)


def _due(images: Sequence[SeenImage], view: View) -> Iterator[tuple[datetime, Key]]:
    for image in images:
        for entry in image.nodes:
            key = (entry.node_id, entry.reference)
            due = entry.since + timedelta(seconds=_wait(entry, view.policy))
            usable = view.nodes[entry.node_id].usable
            if usable and key not in view.sent and due <= view.now:
                yield due, key


def _wait(entry: OnNode, policy: PrepullPolicy) -> float:
    """Return the seconds from the entry's last change until it is due."""
    if entry.state is Pull.PRESENT:
        return policy.again
    return policy.delay(entry.failures) if entry.state is Pull.FAILED else 0.0
