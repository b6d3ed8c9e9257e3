"""From plain values to the record: one pure function, `build_spec`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from pydantic import ValidationError
from swarmhub_crds.home import HomeSpec
from swarmhub_crds.notebook import ENV_NAME, Desired, NotebookSpec, Resources

from swarmhub_spawner.errors import OptionError
from swarmhub_spawner.templates import expand, namespace
from swarmhub_spawner.volumes import VolumeOptions, build_volumes

ALWAYS_SECRET: Final = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")
SECRET_PATTERNS: Final = (
    "*TOKEN*",
    "*SECRET*",
    "*PASSWORD*",
    "*PASSWD*",
    "*PASSPHRASE*",
    "*CREDENTIAL*",
    "*API_KEY*",
    "*APIKEY*",
    "*ACCESS_KEY*",
    "*PRIVATE_KEY*",
)
_RESERVED_LABELS: Final = ("swarmhub.", "com.docker.")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the hub and its options ask for, for one notebook."""

    user: str
    user_id: int
    server: str = ""
    base_url: str = "/"
    image: str
    command: Sequence[str]
    environment: Mapping[str, Any] = field(default_factory=dict)
    secret_patterns: Sequence[str] = SECRET_PATTERNS
    working_dir: str | None = None
    uid: int | None = None
    gid: int | None = None
    port: int = 8888
    cpu_limit: float | None = None
    cpu_guarantee: float | None = None
    mem_limit: int | None = None
    mem_guarantee: int | None = None
    volumes: VolumeOptions = field(default_factory=VolumeOptions)
    networks: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What is written to the store for one notebook."""

    spec: NotebookSpec
    homes: dict[str, HomeSpec]
    secrets: dict[str, str]


def build_spec(request: Request) -> Wanted:
    """Turn a request into a spec that should run, its homes and its secret environment.

    Raises:
        OptionError: an option's value cannot be carried out; the sentence names the option.
    """
    if not request.image:
        raise OptionError(
            "image: no image is configured; set c.SwarmHubSpawner.image or SWARMHUB_IMAGE."
        )
    networks = tuple(dict.fromkeys(n for n in request.networks if n))
    if not networks:
        raise OptionError(
            "network_name: no network is configured; set c.SwarmHubSpawner.network_name or "
            "SWARMHUB_NETWORK."
        )
    if not request.command:
        raise OptionError(
            "cmd: the command is empty; set it, for example ['jupyterhub-singleuser']."
        )
    values = namespace(request.user, request.server, request.user_id)
    environment, secrets = split_environment(request.environment, request.secret_patterns)
    mounts, homes = build_volumes(
        request.volumes, user=request.user, server=request.server, values=values
    )
    try:
        spec = NotebookSpec(
            user=request.user,
            server=request.server,
            desired=Desired.RUNNING,
            image=request.image,
            command=tuple(request.command),
            environment=environment,
            working_dir=_working_dir(request, values),
            container_user=_container_user(request),
            port=request.port,
            probe_path=request.base_url.rstrip("/") + "/api",
            resources=_resources(request),
            mounts=mounts,
            networks=networks,
            labels=_labels(request, values),
        )
    except ValidationError as error:
        raise OptionError(_first_problem(error)) from error
    return Wanted(spec, homes, secrets)


def split_environment(
    environment: Mapping[str, Any], patterns: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the plain and the secret part of an environment.

    A value of None leaves the variable out; other values become text. The API tokens are
    secret whatever `patterns` (shell patterns on the upper-case name) say.

    Raises:
        OptionError: a name is no legal variable name or a value cannot stand in an environment.
    """
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for name, value in environment.items():
        if value is None:
            continue
        if not re.fullmatch(ENV_NAME, name):
            raise OptionError(
                f"environment: {name!r} is no legal variable name; use letters, digits and '_'."
            )
        text = value if isinstance(value, str) else _text(name, value)
        if "\0" in text:
            raise OptionError(f"environment: the value of {name} holds a NUL byte; remove it.")
        (secret if _is_secret(name, patterns) else plain)[name] = text
    return plain, secret


def _text(name: str, value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value)
    raise OptionError(
        f"environment: the value of {name} is of type {type(value).__name__}; give a string."
    )


def _is_secret(name: str, patterns: Sequence[str]) -> bool:
    upper = name.upper()
    return upper in ALWAYS_SECRET or any(fnmatchcase(upper, p.upper()) for p in patterns)


def _resources(request: Request) -> Resources:
    """Return limits and guarantees; as elsewhere in JupyterHub a zero means none."""
    for kind in ("cpu", "mem"):
        limit = getattr(request, f"{kind}_limit")
        guarantee = getattr(request, f"{kind}_guarantee")
        if limit and guarantee and guarantee > limit:
            raise OptionError(
                f"{kind}_guarantee: {guarantee} is more than {kind}_limit ({limit}); "
                "lower the guarantee or raise the limit."
            )
    return Resources(
        cpu_limit=request.cpu_limit or None,
        cpu_guarantee=request.cpu_guarantee or None,
        mem_limit=request.mem_limit or None,
        mem_guarantee=request.mem_guarantee or None,
    )


def _working_dir(request: Request, values: Mapping[str, str]) -> str | None:
    if not request.working_dir:
        return None
    path = expand(request.working_dir, values, "working_dir")
    if not path.startswith("/"):
        raise OptionError(f"working_dir: {path!r} must be an absolute path in the container.")
    return path


def _container_user(request: Request) -> str | None:
    if request.uid is None:
        if request.gid is not None:
            raise OptionError("gid: a group needs a user; set uid too.")
        return None
    return str(request.uid) if request.gid is None else f"{request.uid}:{request.gid}"


def _labels(request: Request, values: Mapping[str, str]) -> dict[str, str]:
    for name in request.labels:
        if name.startswith(_RESERVED_LABELS):
            raise OptionError(
                f"extra_labels: {name!r} is reserved for swarmhub or Docker; use another prefix."
            )
    return {k: expand(str(v), values, "extra_labels") for k, v in request.labels.items()}


def _first_problem(error: ValidationError) -> str:
    """Name the option behind the first thing that the record's own rules refuse."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]).replace("mounts", "volumes")
    reason = first["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}; correct this option of the spawner."
