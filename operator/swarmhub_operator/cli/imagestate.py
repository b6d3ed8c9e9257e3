"""How an image stands on all nodes together, in a word and in a sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from swarmhub_crds.image import Pull, SeenImage

from swarmhub_operator.cli.report import Count, Problem


class ImageState(StrEnum):
    """What can be said of an image on all nodes together."""

    PRESENT = "Present"  # on every node
    PULLING = "Pulling"  # on at least one
    WAITING = "Waiting"  # for its turn, or for a node that takes no tasks
    FAILED = "Failed"  # on at least one, and no other one pulls
    NOT_PULLED = "NotPulled"  # the policy forbids it, or no registry tells its digest


def state_of(image: SeenImage) -> ImageState:
    """Return the word for an image."""
    found = {entry.state for entry in image.nodes}
    if not image.target or (image.message and not found):
        return ImageState.NOT_PULLED
    for pull, state in (
        (Pull.PULLING, ImageState.PULLING),
        (Pull.FAILED, ImageState.FAILED),
        (Pull.WAITING, ImageState.WAITING),
    ):
        if pull in found:
            return state
    return ImageState.PRESENT if found else ImageState.WAITING


def present_on(image: SeenImage) -> int:
    """Return how many nodes have it."""
    return sum(entry.state is Pull.PRESENT for entry in image.nodes)


def messages(image: SeenImage) -> tuple[str, ...]:
    """Return why it is not on every node: one sentence for all of them, and one for each."""
    told = (image.message, *(entry.message for entry in image.nodes))
    return tuple(dict.fromkeys(filter(None, told)))


def count_images(images: Sequence[SeenImage]) -> Count:
    """Return how many images there are in each state."""
    counted = Counter(map(state_of, images))
    phases = {state.value: counted[state] for state in ImageState}
    return Count(total=len(images), phases=phases)


def image_problem(image: SeenImage) -> Problem | None:
    """Return what is wrong with an image, or None. Servers may start nevertheless."""
    state = state_of(image)
    if state not in (ImageState.FAILED, ImageState.NOT_PULLED):
        return None
    return Problem(
        kind="Image",
        name=image.image,
        phase=state,
        message=" ".join(messages(image)) or "Its registry was not asked yet.",
        next_step="It is tried again by itself; `swarmhub images -o wide` shows it on each node.",
        needs_person=False,
    )
