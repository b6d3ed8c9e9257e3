"""The notebook record: one single-user Jupyter server, as wanted and as it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from swarmhub_crds import constraint
from swarmhub_crds.base import API_VERSION, Condition, Metadata, Model, Tolerant, UtcTime
from swarmhub_crds.container import Container

ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
# The engine's rules for volume names (moby volume/names) and for services and networks.
VOLUME_NAME = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$"
# What a node's generic resource can be called: it stands before "=" in the engine's settings.
RESOURCE_KIND = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"

EnvName = Annotated[str, StringConstraints(pattern=ENV_NAME)]
VolumeName = Annotated[str, StringConstraints(pattern=VOLUME_NAME, max_length=255)]
ConstraintText = Annotated[str, StringConstraints(max_length=300)]
ResourceKind = Annotated[str, StringConstraints(pattern=RESOURCE_KIND, max_length=64)]


class Desired(StrEnum):
    """Whether the notebook should have a running service."""

    RUNNING = "Running"
    STOPPED = "Stopped"


class PullPolicy(StrEnum):
    """When the registry is asked which content an image's tag names."""

    ALWAYS = "Always"  # anew at each start
    IF_NOT_PRESENT = "IfNotPresent"  # once; what it said is kept as long as it is known
    NEVER = "Never"  # not at all: the notebook takes what its node has


class Phase(StrEnum):
    """The one-word summary of a notebook's conditions."""

    PENDING = "Pending"
    STARTING = "Starting"
    RUNNING = "Running"
    BACK_OFF = "BackOff"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


class ConditionType(StrEnum):
    """The conditions a notebook can have."""

    VALID = "Valid"  # the stored content can be read
    ACCEPTED = "Accepted"  # the operator's policy allows the spec
    HOME_READY = "HomeReady"  # the node of the home can be used
    SCHEDULED = "Scheduled"  # Swarm has placed a task on a node
    STARTED = "Started"  # the container runs
    READY = "Ready"  # the current task answers HTTP at its own address


class Mount(Model):
    """A volume in the notebook's file system; never a path of the host."""

    volume: VolumeName
    target: str = Field(pattern=r"^/.+")
    read_only: bool = False
    home: bool = False  # True: `volume` names a home record of this user
    driver: str = "local"
    driver_options: dict[str, str] = Field(default_factory=dict)


class Resources(Model):
    """Limits and guarantees: CPUs as fractions of one core, memory in bytes; None is unlimited.

    `generic` holds guarantees of what nodes offer as generic resources, such as {"NVIDIA-GPU": 1}.
    """

    cpu_limit: float | None = Field(default=None, gt=0, le=10**6)
    cpu_guarantee: float | None = Field(default=None, ge=0, le=10**6)
    mem_limit: int | None = Field(default=None, gt=0)
    mem_guarantee: int | None = Field(default=None, ge=0)
    generic: dict[ResourceKind, Annotated[int, Field(gt=0, le=10**6)]] = Field(
        default_factory=dict, max_length=16
    )


class NotebookSpec(Model):
    """What should be. Written by the spawner alone."""

    user: str = Field(min_length=1)
    groups: tuple[str, ...] = ()  # the user's groups in the hub, sorted
    server: str = ""
    desired: Desired = Desired.STOPPED
    image: str = Field(min_length=1, max_length=1024)
    pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    entrypoint: tuple[str, ...] | None = None  # None: the image's own
    command: tuple[str, ...] = Field(min_length=1)
    environment: dict[EnvName, str] = Field(default_factory=dict)
    secret_digest: str = ""  # SHA-256 of the secret environment that is kept apart
    # Not "": it serves HTTPS alone, under a certificate for the alias that ends in this.
    certificate: str = Field(default="", pattern=r"^([0-9a-f]{12})?$")
    working_dir: str | None = None
    container_user: str | None = None  # "uid" or "uid:gid"; None: the image's own
    port: int = Field(default=8888, ge=1, le=65535)
    probe_path: str = Field(default="/", pattern=r"^/")
    resources: Resources = Resources()
    container: Container = Container()
    # What a node must be, in Swarm's form: node.role!=manager
    constraints: tuple[ConstraintText, ...] = Field(default=(), max_length=32)
    mounts: tuple[Mount, ...] = ()
    networks: tuple[str, ...] = Field(min_length=1)
    labels: dict[str, str] = Field(default_factory=dict)

    @field_validator("mounts")
    @classmethod
    def _targets_differ(cls, mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
        targets = [m.target.rstrip("/") for m in mounts]
        if len(set(targets)) != len(targets):
            raise ValueError("two volumes are mounted at the same path; give each its own target")
        return mounts

    @field_validator("constraints")
    @classmethod
    def _constraints_are_understood(cls, constraints: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(constraint.parse(text)) for text in constraints)


class NotebookStatus(Tolerant):
    """What is. Written by the operator alone."""

    observed_generation: int = Field(default=0, ge=0)
    phase: Phase = Phase.PENDING
    message: str = ""  # one sentence: why the phase is what it is
    conditions: tuple[Condition, ...] = ()
    service_id: str | None = None
    task_id: str | None = None  # the current task
    failed_task_id: str | None = None  # the last failed task that was counted
    image: str | None = None  # what the service runs: by digest when the registry knows it
    node_id: str | None = None
    node: str | None = None  # hostname
    address: str | None = None  # http(s)://NAME:PORT by which hub and proxy reach it
    restarts: int = Field(default=0, ge=0)
    failures: int = Field(default=0, ge=0)  # in a row, without a stable while between
    next_restart_at: UtcTime | None = None
    started_at: UtcTime | None = None
    ready_at: UtcTime | None = None
    exit_code: int | None = None
    last_log: tuple[str, ...] = ()  # the last lines of the task that failed


class Notebook(Tolerant):
    """A notebook record."""

    api_version: Literal["swarmhub/v1"] = API_VERSION
    kind: Literal["Notebook"] = "Notebook"
    metadata: Metadata
    spec: NotebookSpec
    status: NotebookStatus = NotebookStatus()
