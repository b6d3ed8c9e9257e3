"""The options about names."""

from __future__ import annotations

from typing import Any

from jupyterhub.traitlets import Callable
from swarmhub_crds.escaping import legacy_escaped
from traitlets import CaselessStrEnum, HasTraits, TraitError, Unicode, Union, validate

from swarmhub_spawner.building.templates import Naming, SlugScheme


class NameOptions(HasTraits):
    """How names come about."""

    slug_scheme = CaselessStrEnum(
        ["safe", "escape"],
        default_value="safe",
        help="""
        How {username}, {servername} and {user_server} are made safe: "safe", or "escape" as
        DockerSpawner does it, so that the volumes which it has made are found again.
        """,
    ).tag(config=True)

    escape = Union(
        [Callable(), Unicode()],
        default_value=None,
        allow_none=True,
        help="""
        A callable that makes the name of a user or server safe, in place of `slug_scheme`; or
        "legacy" for the way of DockerSpawner before version 12.
        """,
    ).tag(config=True)

    prefix = Unicode(
        "jupyter", help="What {prefix} stands for in templates. Services are not named by it."
    ).tag(config=True)

    @validate("escape")
    def _escape_is_understood(self, proposal: Any) -> Any:
        value = proposal["value"]
        if isinstance(value, str):
            if value != "legacy":
                raise TraitError(f"escape: {value!r} is not known; give a callable or 'legacy'.")
            return legacy_escaped
        return value

    def naming(self) -> Naming:
        """Return the options about names as they stand for this spawner."""
        return Naming(scheme=SlugScheme(self.slug_scheme), escape=self.escape, prefix=self.prefix)
