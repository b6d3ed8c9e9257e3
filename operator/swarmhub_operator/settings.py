"""The operator's settings, from its environment and its policy file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from swarmhub_operator import policyfile
from swarmhub_operator.decide.policy import Policy

PREFIX = "SWARMHUB_"
DEFAULT_STATE_URL = "sqlite:////srv/swarmhub/state/state.db"
DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock"


def _listed(given: object) -> object:
    """Read what stands in one variable, with commas between."""
    return tuple(given.replace(",", " ").split()) if isinstance(given, str) else given


class SettingsError(Exception):
    """A setting that cannot be used; `str()` is one sentence with the next step."""


class Settings(BaseModel):
    """How this operator process runs. Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_url: str = DEFAULT_STATE_URL
    docker_host: str = DEFAULT_DOCKER_HOST
    network: str = "swarmhub_notebooks"
    workers: int = Field(default=8, ge=1, le=64)
    health_host: str = "127.0.0.1"
    health_port: int = Field(default=8089, ge=0, le=65535)
    # Networks whose machines may ask for metrics, and for nothing else; (): all may ask for all.
    metrics_from: Annotated[tuple[IPv4Network, ...], BeforeValidator(_listed)] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    lease_ttl: float = Field(default=15.0, ge=1)
    errand_image: str = ""  # that can be sent to other nodes; "": what lies there is left alone
    registry_auth_file: Path | None = None  # logins at registries, as in Docker's config.json
    engine_socket: str = "/var/run/docker.sock"  # path of the engine's socket on every node
    policy_file: Path | None = None
    policy: Policy = Policy()

    @property
    def has_local_engine(self) -> bool:
        """Whether the engine is reached by a socket of this machine."""
        return self.docker_host.startswith("unix://")

    @property
    def effective_policy(self) -> Policy:
        """The policy, by which the engine's socket is never mounted, wherever it is."""
        paths = {at.removeprefix("unix://") for at in (self.docker_host, self.engine_socket)}
        sockets = sorted(path for path in paths if path.startswith("/"))
        never = (*self.policy.never_bind, *sockets)
        return self.policy.model_copy(update={"never_bind": never})


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Each setting is SWARMHUB_ and its name in capitals; DOCKER_HOST is Docker's own. The policy
    is the file that SWARMHUB_POLICY_FILE names, which must not be writable by the hub.

    Raises:
        SettingsError: a value is wrong or the policy file cannot be read.
    """
    given = {
        name: environment[PREFIX + name.upper()]
        for name in Settings.model_fields
        if environment.get(PREFIX + name.upper())
    }
    if environment.get("DOCKER_HOST"):
        given.setdefault("docker_host", environment["DOCKER_HOST"])
    try:
        policy = _policy(given.get("policy_file"))
        return Settings.model_validate({**given, "policy": policy})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"The setting {where} is wrong: {first['msg']}; correct it.") from error


def _policy(file: str | None) -> Policy:
    if file is None:
        return Policy()
    try:
        return policyfile.load(Path(file))
    except policyfile.PolicyFileError as error:
        raise SettingsError(str(error)) from error
