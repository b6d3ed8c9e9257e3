"""Starts on trial: what would fail each start is found when the hub starts, and not by a user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from traitlets import TraitError
from traitlets.config import Config

from swarmhub_spawner.building.spec import build_spec
from swarmhub_spawner.choices.images import allowed, refuse_two_forms
from swarmhub_spawner.choices.profiles import read_profiles, trials, unlisted_overrides
from swarmhub_spawner.errors import OptionConflict, OptionError
from swarmhub_spawner.options.callables import set_callables_aside
from swarmhub_spawner.peers.check import check_override
from swarmhub_spawner.spawner import SwarmHubSpawner

# For what may be known only when somebody starts a server.
_STAND_INS: Final = {"image": "sample", "network_name": "sample"}
# They may put right, at each start, what the options say.
_HOOKS: Final = ("pre_spawn_hook", "modify_record_hook")
Overrides = Sequence[Mapping[str, Any]]


def rehearse(config: Config, spawner: type[SwarmHubSpawner]) -> Iterator[str]:
    """Build the record of a made-up user with each profile, each choice and each group override.

    What only a start knows is left out: what a callable returns, what a hook changes, and whether
    options that can be set by themselves go together. Nothing is written.

    Yields:
        A sentence for each thing that would fail a start.
    """
    stage = _Stage(config, spawner)
    try:
        profiles = stage.profiles()
        overrides = stage.group_overrides()
    except (OptionError, TraitError) as error:
        yield str(error)
        return
    told = set()
    for where, changes in (("", ()), *_starts(profiles), *_of_groups(overrides)):
        for sentence in stage.start(changes):
            if sentence not in told:
                told.add(sentence)
                yield f"{where}{sentence}"
    for profile in profiles:
        for override in unlisted_overrides(profile):
            yield from stage.names(override, f"profile_list: {profile['slug']!r}: ")


def _starts(profiles: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Overrides]]:
    for profile in profiles:
        for trial in trials(profile):
            choice = f" with {trial.choice!r}" if trial.choice else ""
            yield f"profile_list: {trial.profile!r}{choice}: ", trial.overrides


def _of_groups(overrides: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Overrides]]:
    for key, override in overrides.items():
        yield f"group_overrides: {key!r}: ", (override,)


class _Stage:
    """Makes spawners that have no user."""

    def __init__(self, config: Config, spawner: type[SwarmHubSpawner]) -> None:
        self._config = config
        self._class = spawner

    def _actor(self) -> SwarmHubSpawner:
        return self._class(config=self._config)

    def profiles(self) -> list[dict[str, Any]]:
        """Return the profiles that are known before anybody logs in.

        Raises:
            OptionError, TraitError: they are not what they should be.
        """
        actor = self._actor()
        profiles = [] if callable(actor.profile_list) else read_profiles(actor.profile_list)
        if not callable(actor.allowed_images):
            refuse_two_forms(profiles, allowed(actor.allowed_images))
        return profiles

    def group_overrides(self) -> dict[str, Mapping[str, Any]]:
        """Return what each group override changes.

        Raises:
            OptionError: one of them is not what it should be.
        """
        found = getattr(self._actor(), "group_overrides", {})
        if callable(found):
            return {}
        for key, one in found.items():
            groups = one.get("groups") if isinstance(one, Mapping) else None
            override = one.get("spawner_override") if isinstance(one, Mapping) else None
            if not isinstance(groups, Iterable) or not isinstance(override, Mapping):
                raise OptionError(
                    f"group_overrides: {key!r} must be a dict with a list `groups` and a dict "
                    "`spawner_override`."
                )
        return {key: found[key]["spawner_override"] for key in sorted(found)}

    def start(self, overrides: Overrides) -> Iterator[str]:
        """Try one start; give the sentence that ends it."""
        actor = self._actor()
        try:
            for override in overrides:
                for name, value in override.items():
                    actor.override(name, value)
        except OptionError as error:
            yield str(error)
            return
        if not any(getattr(actor, hook) for hook in _HOOKS):
            yield from self._built(actor, whole=not overrides)

    def _built(self, actor: SwarmHubSpawner, *, whole: bool) -> Iterator[str]:
        whole = not set_callables_aside(actor) and whole and self._is_all(actor)
        for name, value in _STAND_INS.items():
            if not getattr(actor, name):
                setattr(actor, name, value)
        try:
            build_spec(actor.asked())
        except OptionConflict as error:
            if whole:
                yield str(error)
        except OptionError as error:
            yield str(error)
        except Exception:  # noqa: BLE001 - what a site's code makes of a made-up name says nothing
            return

    @staticmethod
    def _is_all(actor: SwarmHubSpawner) -> bool:
        """Tell whether each start has the options as they are, and nothing beside."""
        return not (actor.profile_list or getattr(actor, "group_overrides", {}))

    def names(self, override: Mapping[str, Any], where: str) -> Iterator[str]:
        """Look only at which options an override names."""
        for name, value in override.items():
            try:
                check_override(self._class, name, value)
            except OptionError as error:
                yield f"{where}{error}"
