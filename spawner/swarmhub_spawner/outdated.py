"""Whether a restart would give a running server something else than it has."""

from __future__ import annotations

import asyncio
import logging
from types import MappingProxyType
from typing import Any, Final, Self

from swarmhub_crds.image import newer_content
from swarmhub_crds.notebook import Notebook

from swarmhub_spawner.building.environment import split_environment
from swarmhub_spawner.building.homenames import HomeNames
from swarmhub_spawner.building.templates import expand
from swarmhub_spawner.building.volumes import build_volumes
from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.identity import ServerIdentity
from swarmhub_spawner.options.all import SwarmHubOptions
from swarmhub_spawner.pending import (
    Settings,
    amount,
    certain,
    changes,
    memory,
    opaque,
    restart_text,
)

# Nobody is to read of the groups' overrides at each look on the home page.
_SILENT: Final = logging.getLogger(__name__)
_SILENT.addFilter(lambda _: False)
_PATIENCE: Final = 5.0  # seconds for an administrator's callable that waits for something
_CHOICE: Final = "choice that you made"
_CONTENT: Final = "the content of the image"
_HTTP_BAD_REQUEST: Final = 400
_VOLUMES: Final = (
    "volumes",
    "read_only_volumes",
    "mounts",
    "volume_driver",
    "volume_driver_options",
    "home_reclaim",
)
# What is only told to have changed, and the options behind it.
_OPAQUE: Final = {
    "generic resources": ("extra_resource_guarantees", "extra_resource_limits"),
    "command": ("cmd", "args"),
    "choice of a node": ("node_selector", "extra_placement_spec"),
    "networks": ("network_name", "extra_networks"),
    "container settings": (
        "extra_container_spec",
        "extra_task_spec",
        "extra_endpoint_spec",
        "extra_resources_spec",
        "extra_create_kwargs",
        "extra_host_config",
    ),
}


class OutdatedServer(ServerIdentity, SwarmHubOptions):
    """Compares the settings that a server was started with to those that a start would take now.

    No hook and no callable in an override is called for that: what one of them had decided at the
    start is left out of the comparison.
    """

    hub: Any
    authenticator: Any
    config: Any
    environment: Any
    group_overrides: Any
    apply_group_overrides: Any
    _run_apply_user_options: Any
    _fields: Any
    _lasting: Any
    _remembered: Any

    _names: HomeNames
    _templates: frozenset[str] | None

    # Certain ones of the last start; empty: nothing is known.
    _settings: Settings = MappingProxyType({})

    async def restart_pending(self) -> str:
        """Return what a restart would change, in sentences for the user; "": nothing known.

        Never raises: it stands on the hub's home page.
        """
        try:
            record = await self._hub().state.fresh(self.record_name)
            if not isinstance(record, Notebook):
                return ""
            now = await asyncio.wait_for(self._configured(), _PATIENCE)
            found = changes(self._settings, now)
            if not any(" image (" in change for change in found) and await self._newer(record):
                found.append(_CONTENT)
            return restart_text(found, self.orm_spawner.started)
        except Exception as error:  # noqa: BLE001  # an administrator's callables raise anything
            self.log.warning("What a restart of %s changes is not known: %r", self._log_name, error)
            return ""

    async def _newer(self, record: Notebook) -> bool:
        seen = await self._hub().state.read(lambda store: store.list_images())
        return bool(newer_content(record, seen))

    async def _remember_settings(self) -> None:
        """Keep what a start takes, once all options are as it takes them; never fails the start."""
        self._settings = {}
        if self.modify_record_hook:  # it may change anything behind the options
            return
        try:
            self._settings = certain(
                await asyncio.wait_for(self._configured(), _PATIENCE), self._used()
            )
        except Exception as error:  # noqa: BLE001  # an administrator's callables raise anything
            self.log.warning("No changes will be told to %s: %r", self._log_name, error)

    async def _configured(self) -> Settings:
        """Return the settings of a start right now, as far as no hook or callable decides them."""
        self._lasting()  # once for this and that one
        plain = self._plain()
        plain.group_overrides = _without_callables(plain.group_overrides)
        await plain.apply_group_overrides()
        if isinstance(plain.apply_user_options, dict):
            await plain._run_apply_user_options(plain.user_options)  # noqa: SLF001  # as the hub does
        try:
            await plain.load_user_options(calling=False)
        except SpawnError as error:
            if error.status_code != _HTTP_BAD_REQUEST:
                raise
            return {_CHOICE: "no longer offered"}
        return plain._used()  # noqa: SLF001  # of this class

    def _plain(self) -> Self:
        """Return this server's spawner as the hub makes it, before anything is applied."""
        plain = type(self)(
            user=self.user,
            hub=self.hub,
            orm_spawner=self.orm_spawner,
            authenticator=self.authenticator,
            config=self.config,
            log=_SILENT,
            user_options=dict(self.user_options or {}),
        )
        plain._names, plain._templates = self._names, self._templates  # noqa: SLF001  # of this class
        return plain

    def _used(self) -> Settings:
        """Return the settings as the options stand; those that a callable decides are left out."""
        found: dict[str, str | None] = {_CHOICE: "offered"}
        if not callable(self.image):
            found["image"] = expand(str(self.image), self._fields(), "image")
        for kind, name, shown in (("mem", "memory", memory), ("cpu", "CPU", amount)):
            for bound in ("limit", "guarantee"):
                value = getattr(self, f"{kind}_{bound}")
                found[f"{name} {bound}"] = None if callable(value) else shown(value)
        for name, options in _OPAQUE.items():
            found[name] = opaque([_without_environment(getattr(self, o)) for o in options])
        found["volumes"] = self._mounts()
        found["environment"] = opaque(self._plain_environment())
        return {name: value for name, value in found.items() if value is not None}

    def _mounts(self) -> str | None:
        if any(callable(getattr(self, option)) for option in _VOLUMES):
            return None
        mounted = build_volumes(
            self.volume_options(),
            user=self.user.name,
            server=self.name,
            values=self._fields(),
            remembered=self._remembered(),  # a new name in `volumes` moves nobody's home
        )
        return opaque([mount.model_dump(mode="json") for mount in mounted.mounts])

    def _plain_environment(self) -> dict[str, str]:
        """Return what is configured of the environment, without what is secret."""
        said = {name: value for name, value in self.environment.items() if not callable(value)}
        return split_environment(said, self.secret_environment)[0]


def _without_environment(value: Any) -> Any:
    """Return an option without variables: secrets may be among them, and no digest is to tell."""
    if not isinstance(value, dict):
        return value
    return {key: v for key, v in value.items() if str(key).lower() not in ("env", "environment")}


def _without_callables(overrides: Any) -> dict[str, Any]:
    """Return `group_overrides` without what would have to be called."""
    if callable(overrides):
        return {}
    return {
        key: {
            **override,
            "spawner_override": {
                name: value
                for name, value in override["spawner_override"].items()
                if not callable(value)
            },
        }
        for key, override in overrides.items()
    }
