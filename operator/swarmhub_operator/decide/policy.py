"""What the operator's administrator allows and prefers. The hub cannot write it."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from swarmhub_operator.decide import hostpaths
from swarmhub_operator.decide.bounds import NotebookBounds, Part, Size
from swarmhub_operator.decide.prepull_policy import PrepullPolicy
from swarmhub_operator.decide.quota_policy import Quotas, StartRate

# They belong to the engine, or put a container beside the node's own programs.
NEVER_NETWORKS: Final = frozenset({"bridge", "docker_gwbridge", "host", "ingress", "none"})


class RestartPolicy(Part):
    """When a failed notebook is started again. All times are seconds."""

    budget: int = Field(default=5, ge=0, description="failures in a row before it is given up")
    first_delay: float = Field(default=0.0, ge=0)
    base_delay: float = Field(
        default=2.0, gt=0, description="before the second restart; doubles each time"
    )
    max_delay: float = Field(default=60.0, gt=0)
    stable_after: float = Field(
        default=600.0, gt=0, description="a run this long forgets earlier failures"
    )
    hub_delay: float = Field(default=5.0, gt=0, description="after an exit for want of the hub")

    def delay(self, failures: int) -> float:
        """Return the wait before the restart that follows the `failures`-th failure in a row."""
        if failures <= 1:
            return self.first_delay
        return min(self.max_delay, self.base_delay * 2.0 ** min(failures - 2, 32))

    @property
    def longest_delay(self) -> float:
        """The longest wait before any restart."""
        return max(self.first_delay, self.max_delay, self.hub_delay)


class SweepPolicy(Part):
    """How careful the garbage collection is. Times are seconds."""

    interval: float = Field(default=30.0, gt=0)
    grace: float = Field(default=60.0, ge=0)
    brake_fraction: float = Field(
        default=0.2, ge=0, le=1, description="nothing is removed when more than this share would go"
    )
    brake_floor: int = Field(
        default=3, ge=0, description="so few may always go: a fifth of two is nothing"
    )


class Hardening(Part):
    """What every notebook is denied or given from its next start on, unless this is loosened."""

    drop_capabilities: bool = Field(
        default=True, description="no capability but those that `allowed_capabilities` lets it add"
    )
    no_new_privileges: bool = Field(
        default=True, description="no setuid program gains anything; engines from API 1.44 on do it"
    )
    init: bool = Field(
        default=True, description="a small init process, unless the record says otherwise"
    )


class AllowedBind(Part):
    """A path of the nodes that notebooks may mount: this path alone, nothing below it."""

    path: str = Field(
        description="`*` stands for one name, `{username}` for the user's; both only in a name"
    )
    read_only: bool = Field(default=True, description="false lets notebooks write")

    @model_validator(mode="after")
    def _can_be_allowed(self) -> Self:
        plain = self.path.replace(hostpaths.USER_FIELD, "x")
        why = hostpaths.flaw(plain) or hostpaths.forbidden(plain, read_only=self.read_only)
        if why:
            raise ValueError(f"the path {self.path} {why}; notebooks cannot be given that")
        return self


def _network(name: str) -> str:
    if name.casefold() in NEVER_NETWORKS:
        raise ValueError(f"{name} is the engine's own network, which no notebook is given")
    return name


def _capability(name: str) -> str:
    plain = name.upper().removeprefix("CAP_")
    if plain == "ALL":
        raise ValueError("ALL would give notebooks the node; name those that are needed")
    return plain


Network = Annotated[str, AfterValidator(_network)]
CapabilityName = Annotated[str, AfterValidator(_capability)]
Texts = tuple[str, ...]


class Policy(Part):
    """The operator's policy, read from its own file."""

    allowed_images: Texts = Field(
        default=("*",),
        description="shell patterns over the image as it is named, or digests (sha256:…)",
    )
    require_digest: bool = Field(
        default=False, description="images must be named by digest (name@sha256:…)"
    )
    allowed_networks: tuple[Network, ...] = Field(
        default=(), description="besides the notebooks' own network; exact names"
    )
    # An engine's volumes hold other people's data too, and the stack's own: nothing by default
    # but what carries the spawner's usual name.
    allowed_volumes: Texts = Field(default=("jupyterhub-*",), description="shell patterns")
    shared_homes: Texts = Field(
        default=(), description="shell patterns: homes that others than their user may mount"
    )
    allowed_volume_drivers: Texts = ("local",)
    volume_options: dict[str, dict[str, Texts]] = Field(
        default_factory=dict,
        description="by driver and option: shell patterns of the values that are allowed",
    )
    allow_volume_options: bool = Field(
        default=False,
        description="any options; of the local driver only network shares and tmpfs",
    )
    allowed_binds: tuple[AllowedBind, ...] = Field(
        default=(), description="paths of the nodes that notebooks may mount"
    )
    never_bind: Texts = Field(
        default=(), description="further paths that nothing may mount, nor what holds them"
    )
    allowed_capabilities: tuple[CapabilityName, ...] = Field(
        default=(), description="that a notebook may add, such as NET_BIND_SERVICE"
    )
    allowed_sysctls: Texts = Field(default=(), description="shell patterns")
    allow_root: bool = Field(default=False, description="a record may ask for uid 0")
    allowed_groups: Texts = Field(
        default=("100", "users"),
        description="further groups of the container's user, by number or name",
    )
    reserved_labels: Texts = Field(
        default=("traefik.", "caddy", "com.df.", "ofelia.", "io.portainer.", "shepherd."),
        description="beginnings of labels that steer other programs; swarmhub's and Docker's "
        "are always reserved",
    )
    refused_environment: Texts = Field(
        default=(
            *("LD_PRELOAD", "LD_AUDIT", "DOCKER_RESOURCE_*"),
            *(f"{maker}_VISIBLE_DEVICES" for maker in ("NVIDIA", "AMD", "HABANA", "ASCEND")),
        ),
        description="shell patterns of variables; those that break the start are always refused",
    )
    max_record: Size = Field(
        default=256 * 1024, description="bytes of a record's spec as JSON; or as in 256K"
    )
    hardening: Hardening = Hardening()
    notebook: NotebookBounds = NotebookBounds()
    quotas: Quotas = Quotas()
    start_rate: StartRate = StartRate()
    starts_per_core: float = Field(default=1.5, gt=0, description="starts at work at the same time")
    home_grace: float = Field(
        default=60.0, ge=0, description="seconds before a volume with Delete goes"
    )
    adopt_volumes: bool = Field(
        default=True, description="look on all nodes for a volume that was there before its home"
    )
    inventory_interval: float = Field(
        default=3600.0, gt=0, description="seconds between looks at a node's volumes"
    )
    node_grace: float = Field(
        default=20.0, ge=0, description="seconds before what floats leaves a dead node"
    )
    node_orders: bool = Field(
        default=True,
        description="administrators drain nodes on the page; false leaves it to the command",
    )
    restart: RestartPolicy = RestartPolicy()
    sweep: SweepPolicy = SweepPolicy()
    prepull: PrepullPolicy = PrepullPolicy()
