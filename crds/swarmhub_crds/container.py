"""What a record may say of its container beyond image, command and volumes.

The names and meanings are those of the engine API's ContainerSpec. All of it is the hub's wish: the
operator's policy says what of it is allowed.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from swarmhub_crds.base import Model

HostPath = Annotated[str, StringConstraints(pattern=r"^/", max_length=4096)]
ContainerPath = Annotated[str, StringConstraints(pattern=r"^/.+", max_length=4096)]
Capability = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z_]*$", max_length=64)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Bind(Model):
    """A path of the node in the notebook's file system."""

    source: HostPath
    target: ContainerPath
    read_only: bool = False


class Tmpfs(Model):
    """A file system in the node's memory, gone with the container; `size` is bytes."""

    target: ContainerPath
    size: int | None = Field(default=None, gt=0)


class Dns(Model):
    """How the container resolves names, in place of the engine's own ways."""

    nameservers: tuple[ShortText, ...] = Field(default=(), max_length=8)
    search: tuple[ShortText, ...] = Field(default=(), max_length=32)
    options: tuple[ShortText, ...] = Field(default=(), max_length=32)


class Container(Model):
    """The container's own settings; what is not set is the policy's or the engine's to choose."""

    hostname: ShortText | None = None
    hosts: dict[ShortText, ShortText] = Field(default_factory=dict, max_length=64)  # name: address
    dns: Dns = Dns()
    groups: tuple[ShortText, ...] = Field(default=(), max_length=32)  # further groups of its user
    init: bool | None = None  # a small init process that reaps what the command leaves behind
    read_only: bool = False  # the image's file system cannot be written
    tty: bool = False
    stop_signal: ShortText | None = None
    stop_grace: float | None = Field(default=None, ge=0, le=3600)  # seconds; then it is killed
    cap_add: tuple[Capability, ...] = Field(default=(), max_length=64)  # without "CAP_", or "ALL"
    cap_drop: tuple[Capability, ...] = Field(default=(), max_length=64)
    sysctls: dict[ShortText, ShortText] = Field(default_factory=dict, max_length=64)
    pids_limit: int | None = Field(default=None, gt=0)  # processes and threads
    binds: tuple[Bind, ...] = Field(default=(), max_length=32)
    tmpfs: tuple[Tmpfs, ...] = Field(default=(), max_length=32)
