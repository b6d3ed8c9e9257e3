"""Which image a user may choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from swarmhub_spawner.errors import OptionError, SpawnError

ANY: Final = "*"
_HTTP_BAD_REQUEST: Final = 400


def allowed(found: Any) -> Mapping[str, str] | None:
    """Return the images that may be chosen, by the names shown; None: any image.

    Raises:
        OptionError: the callable `allowed_images` returned something else.
    """
    if found == ANY:
        return None
    if isinstance(found, Mapping):
        return {str(name): str(image) for name, image in found.items()}
    if isinstance(found, list | tuple):
        return {str(image): str(image) for image in found}
    if not found:
        return {}
    raise OptionError(f"allowed_images: {found!r} is no dict, no list and not '*'.")


def refuse_two_forms(profiles: Sequence[Any], images: Mapping[str, str] | None) -> None:
    """Make sure that users get one form.

    Raises:
        OptionError: there are both profiles and images to choose from.
    """
    if profiles and images != {}:
        raise OptionError(
            "allowed_images: there is a profile_list too, and users get one form; give the "
            "images as choices of a profile, and leave allowed_images out."
        )


def chosen_image(choice: Any, images: Mapping[str, str] | None) -> str:
    """Return the image that a user's choice stands for.

    Raises:
        SpawnError: it may not be chosen (status 400); the sentence says what may be.
    """
    if not isinstance(choice, str) or not choice:
        raise SpawnError("The image must be given as one text.", status_code=_HTTP_BAD_REQUEST)
    if images is None:
        if "{" in choice or "}" in choice:
            raise SpawnError(
                f"The image {choice!r} holds braces, which no image's name does; correct it.",
                status_code=_HTTP_BAD_REQUEST,
            )
        return choice
    if not images:
        raise SpawnError(
            "On this hub users cannot choose an image; start the server without one.",
            status_code=_HTTP_BAD_REQUEST,
        )
    if choice not in images:
        raise SpawnError(
            f"The image {choice!r} cannot be chosen; choose one of: {', '.join(images)}.",
            status_code=_HTTP_BAD_REQUEST,
        )
    return images[choice]
