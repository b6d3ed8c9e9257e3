"""The options about what users choose when they start a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub.traitlets import Callable
from jupyterhub.utils import maybe_future
from traitlets import Dict, List, Unicode, Union, default

from swarmhub_spawner.choices.form import image_form, profile_form
from swarmhub_spawner.choices.images import allowed, chosen_image, refuse_two_forms
from swarmhub_spawner.choices.profiles import (
    chosen_overrides,
    chosen_profile,
    options_of_form,
    read_profiles,
    unused_options,
)
from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.options.images import ImageOptions


class ChoiceOptions(ImageOptions):
    """Profiles and images to choose from, their form, and what a choice changes."""

    # JupyterHub's own
    user_options: Mapping[str, Any]  # what the user has chosen
    pre_spawn_hook: Any
    apply_user_options: Any
    options_form: Any
    log: Any
    _log_name: str
    _apply_overrides: Any

    profile_list = Union(
        [List(Dict()), Dict(), Callable()],
        default_value=[],
        help="""
        Profiles among which users choose: a list of dicts, a dict of them, or a callable that is
        given the spawner, may be async, and returns one of these. Keys of a profile: display_name,
        slug, description, default, profile_options, and spawner_override (kubespawner_override
        does the same): {option: value or callable}; dicts are merged, None removes a key.
        Keys of each of the profile_options: display_name, choices ({key: {display_name, default,
        spawner_override}}) and unlisted_choice (enabled, display_name, display_name_in_choices,
        validation_regex, validation_message, and a spawner_override in which {value} stands for
        what the user wrote).
        """,
    ).tag(config=True)

    profile_form_template = Unicode(
        help="""
        A Jinja2 template for the form, which gets profile_list and user_options. Its fields are
        "profile" and "profile-option-SLUG--KEY".
        """
    ).tag(config=True)

    additional_profile_form_template_paths = List(
        Unicode(), help="Folders in which a form.html takes the place of the form that comes along."
    ).tag(config=True)

    @default("options_form")
    def _default_options_form(self) -> Any:
        return _form_of_choices if self.profile_list or self.allowed_images else ""

    @default("options_from_form")
    def _default_options_from_form(self) -> Any:
        if self.profile_list:
            return options_of_form
        return _image_of_form if self.allowed_images else dict

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        # `load_user_options` does: after pre_spawn_hook, as the peers do. The hub is to know that
        # somebody does, or it warns at each start.
        return _applied_at_start

    async def profiles(self) -> list[dict[str, Any]]:
        """Return the profiles of this user, with all that may be left out filled in.

        Raises:
            OptionError: `profile_list` is not what it should be.
        """
        found: Any = self.profile_list
        return read_profiles(await maybe_future(found(self)) if callable(found) else found)

    async def choosable_images(self) -> Mapping[str, str] | None:
        """Return the images of which this user may choose, by the names shown; None: any.

        Raises:
            OptionError: `allowed_images` is not what it should be.
        """
        found: Any = self.allowed_images
        return allowed(await maybe_future(found(self)) if callable(found) else found)

    async def load_user_options(self, *, calling: bool = True) -> None:
        """Change this spawner as the user has chosen in `user_options`.

        Without `calling`, a value of an override that is a callable is left out.

        Raises:
            SpawnError: a choice may not be made (status 400); the sentence says what may be.
            OptionError: the options themselves are wrong.
        """
        profiles, images = await self.profiles(), await self.choosable_images()
        options = self.user_options or {}
        refuse_two_forms(profiles, images)
        if profiles:
            await self._apply_profile(chosen_profile(profiles, options), options, calling)
        elif options.get("image") and (images != {} or not self._others_read_options()):
            self.image = chosen_image(options["image"], images)
        if not profiles and options.get("profile") and not self._others_read_options():
            raise SpawnError(
                "On this hub there are no profiles to choose from; start the server without one.",
                status_code=400,
            )

    async def _apply_profile(
        self, profile: Mapping[str, Any], options: Mapping[str, Any], calling: bool
    ) -> None:
        for override in list(chosen_overrides(profile, options)):
            for name, value in override.items():
                if not callable(value):
                    self._apply_overrides({name: value})
                elif calling:
                    self._apply_overrides({name: await maybe_future(value(self))})
        unused = unused_options(profile, options) if calling else []
        if unused and not self._others_read_options():
            self.log.warning(
                "Of the user options of %s these mean nothing to the profile %s: %s",
                *(self._log_name, profile["slug"], ", ".join(unused)),
            )

    def _others_read_options(self) -> bool:
        """Whether something of the administrator's may read what the user has chosen."""
        return bool(
            self.pre_spawn_hook
            or self.apply_user_options is not _applied_at_start
            or self.options_form not in ("", _form_of_choices)
        )


async def _form_of_choices(spawner: ChoiceOptions) -> str:
    profiles = await spawner.profiles()
    if profiles:
        return profile_form(
            profiles,
            _still_possible(profiles, spawner.user_options or {}),
            template=spawner.profile_form_template,
            folders=spawner.additional_profile_form_template_paths,
        )
    images = await spawner.choosable_images()
    if images is None or len(images) <= 1:
        return ""
    before = (spawner.user_options or {}).get("image")
    last = str(before) if before in images else _name_of(spawner.image, images)
    return image_form(list(images), last)


def _name_of(image: Any, images: Mapping[str, str]) -> str:
    return next((name for name, value in images.items() if image in (name, value)), "")


def _still_possible(
    profiles: list[dict[str, Any]], options: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the last choices, if the profiles still allow them."""
    try:
        list(chosen_overrides(chosen_profile(profiles, options), options))
    except SpawnError:
        return {}
    return options


def _image_of_form(form: Mapping[str, Any]) -> dict[str, Any]:
    return {"image": form["image"][0]} if form.get("image") else {}


def _applied_at_start(spawner: Any, options: Any) -> None:
    """Do nothing: `load_user_options` applies them."""
