"""What a group or a profile changes of a spawner: looked at before it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traitlets import HasTraits, TraitError

from swarmhub_spawner.errors import OptionError, SpawnError
from swarmhub_spawner.peers.check import check_override


class OverriddenServer(HasTraits):
    """Applies overrides as JupyterHub's Spawner, which stands behind it, does: dicts are merged."""

    def _apply_overrides(self, spawner_override: dict[str, Any]) -> None:
        """Apply what a group or a profile changes.

        Raises:
            SpawnError: it names what is no option, or an option that is refused.
        """
        try:
            for name, value in spawner_override.items():
                check_override(type(self), name, value)
                self._make_room(name, value)
            super()._apply_overrides(spawner_override)  # type: ignore[misc]  # of the Spawner
        except (OptionError, TraitError) as error:
            raise SpawnError(f"The hub's configuration is wrong: {error}") from error

    def override(self, name: str, value: Any) -> None:
        """Apply one change without a user; what a callable would return is left out.

        Raises:
            OptionError: it is no option, or not with this value.
        """
        check_override(type(self), name, value)
        if callable(value):
            return
        self._make_room(name, value)
        try:
            super()._apply_overrides({name: value})  # type: ignore[misc]  # of the Spawner
        except TraitError as error:
            # Of a part of a value, traitlets tells in pieces that are no sentence.
            why = str(error) if len(error.args) == 1 else f"{value!r} is no value for it."
            raise OptionError(why if name in why else f"{name}: {why}") from error

    def _make_room(self, name: str, value: Any) -> None:
        """Let a dict take the place of what is none: JupyterHub could not merge the two."""
        before = getattr(self, name, None)
        if isinstance(before, dict) and isinstance(value, Mapping):
            _clear(before, value)


def _clear(target: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if not isinstance(value, Mapping) or key not in target:
            continue
        if isinstance(target[key], dict):
            _clear(target[key], value)
        else:
            target[key] = {}
