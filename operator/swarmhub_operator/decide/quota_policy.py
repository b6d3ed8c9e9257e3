"""What servers may have together, and how fast they may be started."""

from __future__ import annotations

from pydantic import Field

from swarmhub_operator.decide.bounds import Count, Cpus, Part, Size


class Quota(Part):
    """What several notebooks may have together; what is left out is not limited."""

    notebooks: Count | None = Field(default=None, description="how many at once")
    cpus: Cpus | None = Field(default=None, description="sum of their limits, in cores")
    memory: Size | None = Field(default=None, description='sum of their limits; or as in "64G"')
    generic: dict[str, Count] = Field(
        default_factory=dict, description="sum of each generic resource, such as GPUs"
    )


class Quotas(Part):
    """What notebooks may have together, by whose they are."""

    total: Quota = Field(default=Quota(), description="all notebooks")
    user: Quota = Field(default=Quota(), description="the notebooks of each user")
    groups: dict[str, Quota] = Field(
        default_factory=dict, description="by group: the notebooks of all its members together"
    )

    @property
    def is_none(self) -> bool:
        """Whether nothing is limited."""
        return all(quota == Quota() for quota in (self.total, self.user, *self.groups.values()))


class StartRate(Part):
    """How many starts a minute; who comes later waits in line."""

    per_minute: int | None = Field(default=None, gt=0, description="of all users together")
    user_per_minute: int | None = Field(default=None, gt=0, description="of each user")
