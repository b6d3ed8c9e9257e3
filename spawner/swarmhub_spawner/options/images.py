"""The options about the image."""

from __future__ import annotations

import os
from typing import Any

from jupyterhub.traitlets import Callable
from swarmhub_crds.notebook import PullPolicy
from traitlets import (
    CaselessStrEnum,
    Dict,
    HasTraits,
    List,
    TraitError,
    Unicode,
    Union,
    default,
    validate,
)

from swarmhub_spawner.options.callables import or_callable

PULL_POLICIES = {
    "always": PullPolicy.ALWAYS,
    "ifnotpresent": PullPolicy.IF_NOT_PRESENT,
    "never": PullPolicy.NEVER,
    "skip": PullPolicy.IF_NOT_PRESENT,  # the hub does not pull: the node does, as it needs to
}
ANY_IMAGE = "*"


class ImageOptions(HasTraits):
    """Which image runs, and who may choose it."""

    image = or_callable(
        Unicode(),
        """
        The image of the notebooks; may use the fields of `volumes`. Default: $SWARMHUB_IMAGE.
        """,
    )

    allowed_images = Union(
        [Dict(), List(Unicode()), Unicode(), Callable()],
        default_value={},
        help="""
        The images among which users choose: {name shown: image}, a list of images, "*" for any, or
        a callable that is given the spawner and returns one of these. Empty: users choose none.
        The operator's policy must allow them all.
        """,
    ).tag(config=True)

    pull_policy = CaselessStrEnum(
        list(PULL_POLICIES),
        default_value="ifnotpresent",
        help="""
        When the registry is asked which content the image's tag names: "always", "ifnotpresent",
        "never"; "skip" is the same as "ifnotpresent".
        """,
    ).tag(config=True)

    @default("image")
    def _default_image(self) -> str:
        return os.environ.get("SWARMHUB_IMAGE", "")

    @validate("allowed_images")
    def _allowed_images_are_understood(self, proposal: Any) -> Any:
        if isinstance(proposal["value"], str) and proposal["value"] not in (ANY_IMAGE, ""):
            raise TraitError(
                f"allowed_images: the only text it takes is '*', for any image; for one image "
                f"write [{proposal['value']!r}]."
            )
        return proposal["value"]
