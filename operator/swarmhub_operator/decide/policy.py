"""What the operator's administrator allows and prefers. The hub cannot write it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RestartPolicy(BaseModel):
    """When a failed notebook is started again. All times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: int = Field(default=5, ge=0)  # failures in a row before the notebook is given up
    first_delay: float = Field(default=0.0, ge=0)
    base_delay: float = Field(default=2.0, gt=0)  # before the second restart; doubles each time
    max_delay: float = Field(default=60.0, gt=0)
    stable_after: float = Field(default=600.0, gt=0)  # a run this long forgets earlier failures
    hub_delay: float = Field(default=5.0, gt=0)  # after an exit for want of the hub

    def delay(self, failures: int) -> float:
        """Return the wait before the restart that follows the `failures`-th failure in a row."""
        if failures <= 1:
            return self.first_delay
        return min(self.max_delay, self.base_delay * 2.0 ** min(failures - 2, 32))

    @property
    def longest_delay(self) -> float:
        """The longest wait before any restart."""
        return max(self.first_delay, self.max_delay, self.hub_delay)


class SweepPolicy(BaseModel):
    """How careful the garbage collection is. Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval: float = Field(default=30.0, gt=0)
    grace: float = Field(default=60.0, ge=0)
    brake_fraction: float = Field(default=0.2, ge=0, le=1)
    brake_floor: int = Field(default=3, ge=0)  # so few may always go: a fifth of two is nothing


class Policy(BaseModel):
    """The operator's policy, read from its own file and environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed_images: tuple[str, ...] = ("*",)  # shell patterns
    allowed_networks: tuple[str, ...] = ()  # () is: the notebooks' network alone
    allowed_volume_drivers: tuple[str, ...] = ("local",)
    # An engine's volumes hold other people's data too, and the stack's own: nothing by default
    # but what carries the spawner's usual name.
    allowed_volumes: tuple[str, ...] = ("jupyterhub-*",)  # shell patterns
    allow_volume_options: bool = False  # options of the local driver can bind any host path
    starts_per_core: float = Field(default=1.0, gt=0)
    home_grace: float = Field(default=60.0, ge=0)  # seconds before a volume with Delete goes
    restart: RestartPolicy = RestartPolicy()
    sweep: SweepPolicy = SweepPolicy()
