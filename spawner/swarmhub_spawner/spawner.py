"""The JupyterHub spawner that writes what should run into the store and waits for the operator."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from inspect import isawaitable
from typing import Any, Final

from jupyterhub.spawner import Spawner
from jupyterhub.utils import maybe_future
from swarmhub_crds.notebook import NotebookSpec
from traitlets import TraitError

from swarmhub_spawner import certificates
from swarmhub_spawner.building.homenames import HomeNames, remembered_names
from swarmhub_spawner.building.kubetexts import filled
from swarmhub_spawner.building.spec import Request, Wanted, build_spec, home_templates
from swarmhub_spawner.building.templates import expand, namespace
from swarmhub_spawner.certificates import Certificate
from swarmhub_spawner.ending import EndingServer
from swarmhub_spawner.errors import OptionError, SpawnError, spawn_error
from swarmhub_spawner.messages import timed_out_text
from swarmhub_spawner.options.callables import resolve_callables, set_callables_aside
from swarmhub_spawner.options.images import PULL_POLICIES
from swarmhub_spawner.outdated import OutdatedServer
from swarmhub_spawner.overriding import OverriddenServer
from swarmhub_spawner.peers.check import PEER_SECTIONS
from swarmhub_spawner.polling import PolledServer
from swarmhub_spawner.routing import RoutedServer
from swarmhub_spawner.shared import Hub
from swarmhub_spawner.waits import until_ready
from swarmhub_spawner.writing import write_record

_HTTP_TIMED_OUT: Final = 504


class SwarmHubSpawner(
    PolledServer,
    EndingServer,
    OutdatedServer,
    OverriddenServer,
    RoutedServer,
    Spawner,  # type: ignore[misc]  # JupyterHub has no types
):
    """Writes a record for each server; the operator makes the Swarm agree with it."""

    ssl_alt_names: Any  # a list, or a callable that returns one

    _certificate: Certificate | None = None  # of the start that is about to begin
    _templates: frozenset[str] | None = None  # of volumes, as they are configured
    _names = HomeNames()  # of this server's homes, as they were at its last start

    @classmethod
    def section_names(cls) -> list[str]:
        """Return the sections of a configuration that count, the strongest last.

        Those of the spawners that people come from count too, below our own.
        """
        names: list[str] = super().section_names()
        at = names.index(SwarmHubSpawner.__name__)
        return [*names[:at], *PEER_SECTIONS, *names[at:]]

    # -- saved state

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` saved."""
        super().load_state(state)
        self._record_name = state.get("record", "")
        self._store_uid = state.get("store_uid", "")
        self._settings = state.get("settings") or {}
        self._names = remembered_names(self.user.name, state.get("homes"), ())

    def get_state(self) -> dict[str, Any]:
        """Return what must survive a restart of the hub; it holds no secret.

        The names of its homes survive its stop too.
        """
        state: dict[str, Any] = super().get_state()
        if self._names.user:
            state["homes"] = self._names.as_state()
        if self._record_name:
            state |= {"record": self._record_name, "store_uid": self._store_uid}
            state["settings"] = dict(self._settings)
        return state

    def clear_state(self) -> None:
        """Forget the last run; the record in the store stays, and so do the homes."""
        super().clear_state()
        self._record_name = ""
        self._store_uid = ""
        self._settings = {}
        self._trouble = ""
        self._said_unknown = False
        self._token_asked = False
        self._certificate = None
        self._ended_with = None

    def template_namespace(self) -> dict[str, Any]:
        """Return the fields of `notebook_dir` and `default_url`.

        `{username}` is as the hub has it there, as JupyterHub says.
        """
        return {**self._fields(), **super().template_namespace()}

    def _fields(self) -> dict[str, str]:
        return namespace(self.user.name, self.name, self.user.id, self.naming(), str(self.image))

    # -- start

    async def start(self) -> str:
        """Write the record and wait until the notebook answers.

        Returns:
            Its address, "http://NAME:PORT" or "https://NAME:PORT".

        Raises:
            SpawnError: it was refused, has failed, or was not ready in time.
        """
        loop = asyncio.get_running_loop()
        # Give up just before the hub does: its own time-out tells the user no reason.
        seconds = max(self.start_timeout - 1.0, self.start_timeout * 0.9)
        deadline = loop.time() + seconds
        self._starting = True
        try:
            hub = self._hub()
            await self._write(hub, await self._wanted(), seconds)
            address = await until_ready(hub.state, self.record_name, deadline - loop.time())
            if address is None:
                events = await self._events(hub.state)
                text = timed_out_text(self.record_name, seconds, events)
                raise spawn_error(text, _HTTP_TIMED_OUT)
            return address
        finally:
            self._starting = False

    async def _write(self, hub: Hub, wanted: Wanted, seconds: float) -> None:
        def remember_trouble(reason: str) -> None:
            self._trouble = reason

        notebook, self._store_uid = await write_record(
            hub, wanted, seconds=seconds, on_trouble=remember_trouble
        )
        self._trouble = ""
        self._tell_request("start", notebook)
        self._record_name = notebook.metadata.name
        self._names = wanted.names
        hub.state.remember(self._record_name, notebook)
        if self.after_record_written_hook:
            await maybe_future(self.after_record_written_hook(self, notebook))

    async def _wanted(self) -> Wanted:
        """Apply what the user has chosen, and read the options into a spec."""
        try:
            await self.load_user_options()
            await resolve_callables(self)
            await self._remember_settings()
            return await self._modified(build_spec(self._request()))
        except (OptionError, TraitError) as error:
            raise SpawnError(f"The hub's configuration is wrong: {error}") from error

    async def _modified(self, wanted: Wanted) -> Wanted:
        if not self.modify_record_hook:
            return wanted
        spec = await maybe_future(self.modify_record_hook(self, wanted.spec))
        if not isinstance(spec, NotebookSpec):
            raise OptionError(f"modify_record_hook: it returned {spec!r}; return a NotebookSpec.")
        identity = {"user", "server", "groups", "desired"}
        if spec.model_dump(include=identity) != wanted.spec.model_dump(include=identity):
            raise OptionError(
                "modify_record_hook: it changed whose notebook this is, or whether it runs; leave "
                "user, groups, server and desired as they are."
            )
        return replace(wanted, spec=spec)

    def _request(self) -> Request:
        return replace(
            self.asked(),
            user=self.user.name,
            user_id=self.user.id,
            groups=[group.name for group in self.user.groups],
            server=self.name,
            base_url=self.server.base_url,
            remembered=self._remembered(),
            command=[*self.cmd, *self.get_args()],
            environment=self.get_env(),
            certificate=self._certificate,
        )

    def asked(self) -> Request:
        """Return what the options alone ask for, as if for a user "sample"."""
        environment = {k: v for k, v in self.environment.items() if not callable(v)}
        fields = namespace("sample", "", 1, self.naming(), str(self.image))
        return Request(
            user="sample",
            user_id=1,
            naming=self.naming(),
            image=self.image,
            pull_policy=PULL_POLICIES[self.pull_policy.lower()],
            command=self.cmd,
            environment=environment | filled(environment, self.config, fields),
            secret_patterns=self.secret_environment,
            working_dir=self.working_dir,
            uid=self.uid,
            gid=self.gid,
            supplemental_gids=self.supplemental_gids,
            stop_grace=self.delete_grace_period,
            port=self.port,
            cpu_limit=self.cpu_limit,
            cpu_guarantee=self.cpu_guarantee,
            mem_limit=self.mem_limit,
            mem_guarantee=self.mem_guarantee,
            placement=self.placement_options(),
            volumes=self.volume_options(),
            networks=[self.network_name, *self.extra_networks],
            labels=self.extra_labels,
            extras=self.extras(),
        )

    def get_env(self) -> dict[str, Any]:
        """Return the notebook's environment; the image's name is in it, as others have it."""
        env: dict[str, Any] = super().get_env()
        fields = self._fields()
        image = expand(str(self.image), fields, "image")
        own = filled(self.environment, self.config, fields)
        return {"JUPYTER_IMAGE": image, "JUPYTER_IMAGE_SPEC": image, **env, **own}

    def _remembered(self) -> HomeNames:
        if not self.remember_volume_names:
            return HomeNames()
        others = [other.state or {} for other in self.user.orm_user.orm_spawners.values()]
        homes = [state.get("homes") for state in others]
        return remembered_names(self.user.name, self._names.as_state(), homes, self._lasting())

    def _lasting(self) -> frozenset[str]:
        """Return the templates of volumes that each start has, whatever is chosen for one."""
        if self._templates is None:
            plain = self._plain()
            set_callables_aside(plain)
            self._templates = frozenset()
            with suppress(OptionError):  # what is wrong with them may be put right for each start
                self._templates = home_templates(plain.asked())
        return self._templates

    # -- internal_ssl

    async def create_certs(self) -> dict[str, str]:
        """Have JupyterHub sign a certificate for the name that this start will have.

        It is read here and not in `move_certs`: until then another start of the same user may have
        overwritten the files.

        Raises:
            SpawnError: the hub's certificates cannot be read or written.
        """
        ident = certificates.new_id()
        own = self.ssl_alt_names
        given = own(self) if callable(own) else own
        if isawaitable(given):
            given = await given
        self.ssl_alt_names = [
            *given,
            certificates.alt_name(self.user.name, self.name, ident),
        ]
        try:
            paths: dict[str, str] = await super().create_certs()
            self._certificate = certificates.take(ident, paths)
        except OSError as error:
            raise SpawnError(
                f"The hub cannot write a certificate for this server in "
                f"{self.internal_certs_location} ({error.strerror}); an administrator must mend "
                "that folder."
            ) from error
        finally:
            self.ssl_alt_names = own
        return paths

    async def move_certs(self, paths: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002
        """Return where the notebook finds them: they come with its secret environment."""
        return dict(certificates.PATHS)
