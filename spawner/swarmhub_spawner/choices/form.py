"""The form on which a user chooses a profile or an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader

from swarmhub_spawner.choices.profiles import UNLISTED

_FORMS: Final = Path(__file__).parent / "forms"


def profile_form(
    profiles: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, Any],
    *,
    template: str = "",
    folders: Sequence[str] = (),
) -> str:
    """Return the form for profiles, with what was `chosen` last time filled in.

    It is made by `template`, or by the first form.html in `folders`, or by our own. A template
    gets `profile_list` and `user_options`, and `unlisted`, the value that stands for "Other...".
    """
    env = _environment(folders)
    page = env.from_string(template) if template else env.get_template("form.html")
    return page.render(profile_list=profiles, user_options=chosen, unlisted=UNLISTED)


def image_form(images: Sequence[str], chosen: str) -> str:
    """Return the form for images, with the `chosen` one filled in."""
    return _environment(()).get_template("images.html").render(images=images, chosen=chosen)


def _environment(folders: Sequence[str]) -> Environment:
    env = Environment(loader=FileSystemLoader([*folders, _FORMS]), autoescape=True)
    # The order of choices is the administrator's, also for templates that hand them to a script.
    env.policies["json.dumps_kwargs"] = {"sort_keys": False}
    return env
