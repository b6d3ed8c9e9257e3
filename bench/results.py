"""What a run has measured, as one JSON file: samples first, everything else follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.stats import Spread, spread


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Model):
    """One thing that was measured, in the order in which it was.

    Attributes:
        scenario: what was done, as in "one-start".
        contender: who did it, as in "swarmhub" or "floor".
        measure: what was taken, as in "ready".
        unit: of the samples.
        samples: never empty.
    """

    scenario: str
    contender: str
    measure: str
    unit: Literal["s", "requests", "bytes", "count"] = "s"
    samples: tuple[float, ...] = Field(min_length=1)

    @property
    def key(self) -> str:
        """Its name: scenario, contender and measure."""
        return f"{self.scenario}/{self.contender}/{self.measure}"

    @property
    def spread(self) -> Spread:
        """Median and spread."""
        return spread(self.samples)


def figures_of(scenario: str, samples: Mapping[tuple[str, str], Sequence[float]]) -> list[Figure]:
    """Return the figures of a scenario, in seconds.

    Args:
        scenario: its name.
        samples: what was taken, by contender and measure.
    """
    return [
        Figure(scenario=scenario, contender=who, measure=what, samples=tuple(taken))
        for (who, what), taken in samples.items()
    ]


class Machine(_Model):
    """Where the figures come from.

    Attributes:
        processor: its model.
        cores: that this machine lets us use.
        memory: bytes.
        engine: version of the Docker engine.
        packages: versions of what was measured, by name.
    """

    processor: str
    cores: int
    memory: int
    engine: str
    packages: dict[str, str]


class Results(_Model):
    """All of one run.

    Attributes:
        date: of the run, as YYYY-MM-DD.
        machine: where it was.
        figures: what came out.
    """

    date: str
    machine: Machine
    figures: tuple[Figure, ...]

    def figure(self, key: str) -> Figure:
        """Return a figure by its name.

        Raises:
            KeyError: it was not measured.
        """
        for figure in self.figures:
            if figure.key == key:
                return figure
        raise KeyError(key)

    def median(self, key: str) -> float:
        """Return the median of a figure. Raises as `figure`."""
        return self.figure(key).spread.median

    def merged(self, newer: Results) -> Results:
        """Return the newer run, with what only this one has measured, scenario by scenario."""
        measured = {figure.scenario for figure in newer.figures}
        kept = [figure for figure in self.figures if figure.scenario not in measured]
        return newer.model_copy(update={"figures": (*kept, *newer.figures)})


def load(path: Path) -> Results:
    """Read a file of results.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds something else.
    """
    return Results.model_validate_json(path.read_bytes())


def save(results: Results, path: Path) -> None:
    """Write a file of results, as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp")
    scratch.write_text(results.model_dump_json(indent=1) + "\n")
    scratch.replace(path)
