"""What the figures may be: ratios and differences of medians of one run. Pure but for `load`."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.results import Results


class Limit(BaseModel):
    """One line of the budget.

    Attributes:
        what: completes the sentence "the budget says that …".
        figure: whose median it is about.
        than: the figure that it is compared with; None: none.
        by: how: their ratio, their difference, or the median itself.
        most: what must not be exceeded.
        unit: of both, as it is printed; "" of a ratio.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    figure: str
    than: str | None = None
    by: Literal["ratio", "difference", "value"]
    most: float = Field(gt=0)
    unit: str = ""


class Budget(BaseModel):
    """All lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: tuple[Limit, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run stands to one line.

    Attributes:
        limit: the line.
        found: what came out; None: it was not measured.
        before: what came out of the run to compare with; None: unknown.
    """

    limit: Limit
    found: float | None
    before: float | None = None

    @property
    def kept(self) -> bool:
        """Whether it was measured, and is within the limit."""
        return self.found is not None and self.found <= self.limit.most


def load(path: Path) -> Budget:
    """Read a budget.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none.
    """
    return Budget.model_validate(tomllib.loads(path.read_text()))


def judge(budget: Budget, results: Results, before: Results | None = None) -> Sequence[Verdict]:
    """Hold a run against a budget, line by line."""
    return [
        Verdict(limit, _found(limit, results), _found(limit, before) if before else None)
        for limit in budget.limit
    ]


def _found(limit: Limit, results: Results) -> float | None:
    try:
        found = results.median(limit.figure)
        other = results.median(limit.than) if limit.than else 1.0
    except KeyError:
        return None
    match limit.by:
        case "ratio":
            return found / other
        case "difference":
            return found - other
        case _:
            return found
