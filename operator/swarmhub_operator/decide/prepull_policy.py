"""What the operator's administrator wants pulled before anybody waits for it."""

from __future__ import annotations

from pydantic import Field

from swarmhub_operator.decide.bounds import Part


class PrepullPolicy(Part):
    """Which images every node is to have, and how they get there. Times are seconds."""

    enabled: bool = Field(default=True, description="nodes pull images ahead at all")
    images: tuple[str, ...] = Field(
        default=(), description="to pull ahead, beside those that the hub announces"
    )
    from_hub: bool = Field(
        default=True, description="what the hub announces, as far as allowed_images allows it"
    )
    # A hub that was taken over must not make the nodes fill their disks.
    most: int = Field(default=20, ge=0, description="images of the hub's")
    daily: int = Field(default=60, ge=0, description="different contents of these within a day")
    at_once: int = Field(default=3, ge=1, description="pulls from one registry at the same time")
    interval: float = Field(
        default=300.0, gt=0, description="seconds between two questions what a tag names"
    )
    again: float = Field(
        default=86400.0, gt=0, description="seconds before a node that has an image is asked again"
    )
    base_delay: float = Field(
        default=30.0, gt=0, description="seconds after a failure; doubles each time"
    )
    max_delay: float = Field(default=3600.0, gt=0, description="most seconds after a failure")

    def delay(self, failures: int) -> float:
        """Return the wait before the attempt that follows the `failures`-th failure in a row."""
        return min(self.max_delay, self.base_delay * 2.0 ** min(failures - 1, 32))
