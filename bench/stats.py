"""Medians, spreads and quantiles of few samples. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """What samples of one thing look like.

    Attributes:
        median: the middle one.
        low: the smallest.
        high: the largest.
        count: how many there were.
    """

    median: float
    low: float
    high: float
    count: int


def spread(samples: Sequence[float]) -> Spread:
    """Summarise samples.

    Raises:
        ValueError: there are none, or one is no finite number.
    """
    if not samples:
        raise ValueError("There are no samples.")
    if not all(math.isfinite(sample) for sample in samples):
        raise ValueError("A sample is no finite number.")
    return Spread(statistics.median(samples), min(samples), max(samples), len(samples))


def quantile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least a share of all samples do not exceed.

    Args:
        samples: at least one.
        share: of the samples, above 0, at most 1.

    Raises:
        ValueError: there are no samples, or `share` is out of range.
    """
    if not samples or not 0 < share <= 1:
        raise ValueError("A quantile needs samples, and a share above 0 and at most 1.")
    return sorted(samples)[math.ceil(share * len(samples)) - 1]
