"""The operator's settings, from its environment and its policy file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swarmhub_operator.decide.policy import Policy

PREFIX = "SWARMHUB_"
DEFAULT_STATE_URL = "sqlite:////srv/swarmhub/state/state.db"


class SettingsError(Exception):
    """A setting that cannot be used; `str()` is one sentence with the next step."""


class Settings(BaseModel):
    """How this operator process runs. Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_url: str = DEFAULT_STATE_URL
    docker_host: str = "unix:///var/run/docker.sock"
    network: str = "swarmhub_notebooks"
    workers: int = Field(default=4, ge=1, le=64)
    health_host: str = "127.0.0.1"
    health_port: int = Field(default=8089, ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    lease_ttl: float = Field(default=15.0, ge=1)
    policy_file: Path | None = None
    policy: Policy = Policy()


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Each setting is SWARMHUB_ and its name in capitals; DOCKER_HOST is Docker's own. The policy is
    a YAML file named by SWARMHUB_POLICY_FILE, which must not be writable by the hub.

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
        content = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise SettingsError(
            f"The policy file {file} cannot be read ({error}); correct it."
        ) from error
    if not isinstance(content, dict):
        raise SettingsError(f"The policy file {file} holds no settings; write `name: value` lines.")
    return Policy.model_validate(content)
