"""Which images every node is to have: the administrator's, the operator's own, the hub's. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from swarmhub_operator.decide.admission import allows_image
from swarmhub_operator.decide.policy import Policy

HUB: Final = "hub"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,1023}")


@dataclass(frozen=True, slots=True)
class Wish:
    """An image that every node is to have; `refusal` is a sentence on why it is not pulled."""

    image: str
    origin: str
    refusal: str = ""


def wishes(policy: Policy, own: str, announced: Sequence[str]) -> tuple[Wish, ...]:
    """Return each image once, the most wanted first.

    Args:
        policy: the administrator's.
        own: image of the operator's errands, or "".
        announced: by the hub, which is not trusted: it is bounded, and so is what is told of it.
    """
    asked = policy.prepull
    if not asked.enabled:
        return ()
    found = {own: Wish(own, "operator")} if own else {}
    found |= {image: Wish(image, "policy") for image in asked.images if image not in found}
    if asked.from_hub:
        new = [image for image in dict.fromkeys(announced) if image not in found]
        found |= {wish.image: wish for wish in _of_hub(policy, new)}
    return tuple(found.values())


def _of_hub(policy: Policy, announced: Sequence[str]) -> Iterator[Wish]:
    most = policy.prepull.most
    named = [image for image in announced if _NAME.fullmatch(image)]
    for place, image in enumerate(named[: 2 * most]):
        refusal = ""
        if not allows_image(image, policy):
            refusal = "The operator's policy does not allow it (allowed_images)."
        elif place >= most:
            refusal = (
                f"The hub announces {len(named)} images, and no more than {most} are pulled; "
                "raise prepull.most in the operator's policy."
            )
        yield Wish(image, HUB, refusal)
