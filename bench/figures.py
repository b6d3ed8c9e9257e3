"""The plots of docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Plot

from bench.parts import PARTS
from bench.results import Results
from bench.scenarios import arrival, one, size, width

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "swarmhub",  # the same figures make the same file
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_SIZE = (8.0, 3.2)  # inches
_COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb", "#222222")


def draw(results: Results, folder: Path) -> None:
    """Draw a plot for each scenario that was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    scenarios = {figure.scenario for figure in results.figures}
    if one.NAME in scenarios:
        _save(_starts, results, folder / "starts.svg")
        _save(_parts, results, folder / "parts.svg")
    if arrival.NAME in scenarios:
        _save(_class, results, folder / "class.svg")
    if width.NAME in scenarios:
        _save(_width, results, folder / "width.svg")
    if size.NAME in scenarios:
        _save(_size, results, folder / "size.svg")


def _save(draw_on: Callable[[Axes, Results], None], results: Results, path: Path) -> None:
    with mpl.rc_context(_STYLE):
        plot = Plot(figsize=_SIZE, layout="constrained")
        draw_on(plot.subplots(), results)
        plot.savefig(path, metadata={"Date": None})


def _starts(axes: Axes, results: Results) -> None:
    """One row a contender: each start a dot, the median a line."""
    found = [f for f in results.figures if f.scenario == one.NAME and f.measure == "ready"]
    for row, figure in enumerate(found):
        axes.plot(figure.samples, [row] * len(figure.samples), "o", color=_COLOURS[0], alpha=0.4)
        axes.plot(
            [figure.spread.median] * 2, [row - 0.3, row + 0.3], color=_COLOURS[4], linewidth=3
        )
    axes.set_yticks(range(len(found)), [figure.contender for figure in found])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds from the request to ready; the line is the median")


def _parts(axes: Axes, results: Results) -> None:
    """A bar of the medians of a start's parts."""
    left = 0.0
    for (name, what), colour in zip(PARTS, _COLOURS, strict=True):
        samples = results.figure(f"{one.NAME}/swarmhub/part: {name}").samples
        length = statistics.median(samples)
        label = f"{name}: {length * 1000:.0f} ms, {what}"
        axes.barh(["swarmhub"], [length], left=left, color=colour, label=label)
        left += length
    axes.barh(["floor"], [results.median(f"{one.NAME}/floor/ready")], color=_COLOURS[6])
    axes.invert_yaxis()
    axes.set_xlabel("seconds, medians")
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2, frameon=False)


def _class(axes: Axes, results: Results) -> None:
    """Pairs of bars for each size: half ready, all ready."""
    width, ticks = 0.2, []
    for number, count in enumerate(arrival.SIZES):
        for place, (who, what) in enumerate(
            (who, what) for what in ("median", "last") for who in ("floor", "swarmhub")
        ):
            figure = results.figure(f"{arrival.NAME}/{who}/{count}: {what}")
            shown = {"median": "half are ready", "last": "all are ready"}[what]
            axes.bar(
                number + (place - 1.5) * width,
                figure.spread.median,
                width,
                color=_COLOURS[6] if who == "floor" else _COLOURS[0],
                alpha=0.6 if what == "median" else 1,
                label=f"{who}, {shown}" if number == 0 else None,
            )
        ticks.append(f"{count} at once")
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_ylabel("seconds")
    axes.legend(fontsize=8, frameon=False)


def _width(axes: Axes, results: Results) -> None:
    """Half ready and all ready over the width of the gate, beside the engine alone."""
    ticks = range(len(width.PER_CORE))
    for what, colour in (("median", _COLOURS[0]), ("last", _COLOURS[4])):
        shown = {"median": "half are ready", "last": "all are ready"}[what]
        found = [results.figure(f"{width.NAME}/{n:g} per core/{what}") for n in width.PER_CORE]
        axes.plot(ticks, [f.spread.median for f in found], "-", color=colour, label=shown)
        for tick, figure in zip(ticks, found, strict=True):
            count = len(figure.samples)
            axes.plot([tick] * count, figure.samples, "o", color=colour, alpha=0.4)
        floor = results.median(f"{width.NAME}/floor/{what}")
        axes.axhline(floor, color=colour, linestyle=":", label=f"engine alone, {shown}")
    axes.set_xticks(ticks, [f"{n:g}" for n in width.PER_CORE])
    axes.set_xlabel("starts at a time, per core of the nodes (starts_per_core)")
    axes.set_ylabel(f"seconds, a class of {width.SIZE}")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False)


def _size(axes: Axes, results: Results) -> None:
    """What more notebooks cost, as multiples of what the fewest do, both axes logarithmic."""
    keys = {figure.key for figure in results.figures}
    sizes = [n for n in size.SIZES if f"{size.NAME}/swarmhub/{n}: {size.MEMORY}" in keys]
    few = sizes[0]
    for what, colour in zip(size.GROWING, _COLOURS, strict=False):
        costs = [results.median(f"{size.NAME}/swarmhub/{n}: {what}") for n in sizes]
        base = f"{costs[0] / 2**20:.0f} MiB" if what == size.MEMORY else f"{costs[0]:.2g} s"
        shown = f"{what}: {base} at {few:,}"
        axes.plot(sizes, [cost / costs[0] for cost in costs], "o-", color=colour, label=shown)
    axes.plot(sizes, [n / few for n in sizes], ":", color=_COLOURS[7], label="linear")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("notebooks")
    axes.set_ylabel(f"times what {few:,} cost")
    axes.legend(fontsize=8, frameon=False)
