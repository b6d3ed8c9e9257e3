"""From plain values to the record: one pure function, `build_spec`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError
from swarmhub_crds import secretenv
from swarmhub_crds.container import Container
from swarmhub_crds.home import HomeSpec
from swarmhub_crds.notebook import Desired, NotebookSpec, PullPolicy

from swarmhub_spawner.building.environment import SECRET_PATTERNS, split_environment
from swarmhub_spawner.building.extras import Extras, Said, read_extras
from swarmhub_spawner.building.homenames import HomeNames
from swarmhub_spawner.building.placement import PlacementOptions, build_constraints
from swarmhub_spawner.building.resources import build_resources
from swarmhub_spawner.building.templates import IMAGE_FIELD, Naming, expand, namespace
from swarmhub_spawner.building.volumes import (
    Mounted,
    VolumeOptions,
    build_volumes,
    volume_templates,
)
from swarmhub_spawner.certificates import Certificate
from swarmhub_spawner.errors import OptionConflict, OptionError

_RESERVED_LABELS: Final = ("swarmhub.", "com.docker.")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the hub and its options ask for, for one notebook."""

    user: str
    user_id: int
    groups: Sequence[str] = ()
    server: str = ""
    base_url: str = "/"
    naming: Naming = field(default_factory=Naming)
    remembered: HomeNames = field(default_factory=HomeNames)
    image: str
    pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    command: Sequence[str]
    environment: Mapping[str, Any] = field(default_factory=dict)
    secret_patterns: Sequence[str] = SECRET_PATTERNS
    certificate: Certificate | None = None
    working_dir: str | None = None
    uid: int | None = None
    gid: int | None = None
    supplemental_gids: Sequence[Any] = ()
    stop_grace: float | None = None
    port: int = 8888
    cpu_limit: float | None = None
    cpu_guarantee: float | None = None
    mem_limit: int | None = None
    mem_guarantee: int | None = None
    placement: PlacementOptions = field(default_factory=PlacementOptions)
    volumes: VolumeOptions = field(default_factory=VolumeOptions)
    networks: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    extras: Extras = field(default_factory=Extras)


@dataclass(frozen=True)
class Wanted:
    """What is written to the store for one notebook, and what its server is to remember."""

    spec: NotebookSpec
    homes: Mapping[str, HomeSpec]
    secrets: dict[str, str] = field(repr=False)
    names: HomeNames = field(default_factory=HomeNames)


def build_spec(request: Request) -> Wanted:
    """Turn a request into a spec that should run, its homes and its secret environment.

    Raises:
        OptionError: an option's value cannot be carried out; the sentence names the option.
    """
    names = (request.user, request.server, request.user_id, request.naming)
    image = _image(request, namespace(*names))
    values = namespace(*names, image=image)
    networks = _networks(request)
    said = read_extras(request.extras, values, networks)
    request = _with_extras(request, said)
    environment, secrets = split_environment(
        {**request.environment, **said.container.environment}, request.secret_patterns
    )
    certificate = request.certificate
    if certificate is not None:
        secrets[secretenv.TLS] = certificate.pem
    mounted = build_volumes(
        request.volumes,
        user=request.user,
        server=request.server,
        values=values,
        remembered=request.remembered,
        more=said.mounts,
    )
    try:
        spec = NotebookSpec(
            user=request.user,
            groups=tuple(sorted(request.groups)),
            server=request.server,
            desired=Desired.RUNNING,
            image=image,
            pull_policy=request.pull_policy,
            entrypoint=said.container.entrypoint,
            command=_command(request, said),
            environment=environment,
            certificate=certificate.id if certificate is not None else "",
            working_dir=_working_dir(request, said, values),
            container_user=_container_user(request, said),
            port=request.port,
            probe_path=request.base_url.rstrip("/") + "/api",
            resources=build_resources(
                request.placement,
                cpu_limit=request.cpu_limit,
                cpu_guarantee=request.cpu_guarantee,
                mem_limit=request.mem_limit,
                mem_guarantee=request.mem_guarantee,
            ),
            container=_container(request, said, mounted),
            constraints=build_constraints(request.placement, values),
            mounts=mounted.mounts,
            networks=tuple(dict.fromkeys((*networks, *said.networks))),
            labels=_labels(request, said, values),
        )
    except ValidationError as error:
        raise OptionError(_first_problem(error)) from error
    return Wanted(spec, mounted.homes, secrets, mounted.names)


def home_templates(request: Request) -> frozenset[str]:
    """Return the names of all volumes of a request, as they are configured.

    Raises:
        OptionError: they cannot be read.
    """
    values = namespace(request.user, request.server, request.user_id, request.naming, request.image)
    said = read_extras(request.extras, values, _networks(request))
    return volume_templates(request.volumes, said.mounts)


def _image(request: Request, values: Mapping[str, str]) -> str:
    if not request.image:
        raise OptionError(
            "image: no image is configured; set c.SwarmHubSpawner.image or SWARMHUB_IMAGE."
        )
    known = {name: value for name, value in values.items() if name != IMAGE_FIELD}
    return expand(request.image, known, "image")


def _networks(request: Request) -> tuple[str, ...]:
    networks = tuple(dict.fromkeys(n for n in request.networks if n))
    if not networks:
        raise OptionError(
            "network_name: no network is configured; set c.SwarmHubSpawner.network_name or "
            "SWARMHUB_NETWORK."
        )
    return networks


def _with_extras(request: Request, said: Said) -> Request:
    guarantees = {**request.placement.guarantees, **said.generic}
    return replace(
        request, placement=replace(request.placement, guarantees=guarantees), **said.resources
    )


def _command(request: Request, said: Said) -> tuple[str, ...]:
    command = said.container.command or tuple(request.command)
    if not command:
        raise OptionError(
            "cmd: the command is empty; set it, for example ['jupyterhub-singleuser']."
        )
    return command


def _working_dir(request: Request, said: Said, values: Mapping[str, str]) -> str | None:
    path = said.container.working_dir
    if path is None and request.working_dir:
        path = expand(request.working_dir, values, "working_dir")
    if path and not path.startswith("/"):
        raise OptionError(f"working_dir: {path!r} must be an absolute path in the container.")
    return path or None


def _container_user(request: Request, said: Said) -> str | None:
    if said.container.user is not None:
        if request.uid is not None:
            raise OptionConflict(
                f"uid: it is {request.uid}, but another option says that the notebook runs as "
                f"{said.container.user!r}; set one of them."
            )
        return said.container.user
    if request.uid is None:
        if request.gid is not None:
            raise OptionConflict("gid: a group needs a user; set uid too.")
        return None
    return str(request.uid) if request.gid is None else f"{request.uid}:{request.gid}"


def _container(request: Request, said: Said, mounted: Mounted) -> Container:
    settings = dict(said.container.settings)
    groups = (*(str(gid) for gid in request.supplemental_gids), *settings.pop("groups", ()))
    if request.stop_grace is not None:
        settings["stop_grace"] = request.stop_grace
    return Container(
        groups=tuple(dict.fromkeys(groups)),
        binds=mounted.binds,
        tmpfs=mounted.tmpfs,
        **settings,
    )


def _labels(request: Request, said: Said, values: Mapping[str, str]) -> dict[str, str]:
    labels = {k: expand(str(v), values, "extra_labels") for k, v in request.labels.items()}
    labels |= said.container.labels
    for name in labels:
        if name.startswith(_RESERVED_LABELS):
            raise OptionError(
                f"extra_labels: {name!r} is reserved for swarmhub or Docker; use another prefix."
            )
    return labels


def _first_problem(error: ValidationError) -> str:
    """Name the option behind the first thing that the record's own rules refuse."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]).replace("mounts", "volumes")
    if error.title == Container.__name__:
        place = f"extra_container_spec.{place}"
    reason = first["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}; correct this option of the spawner."
