"""Tables of figures, on a terminal and in docs/performance.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench import figures
from bench.budget import Budget, Verdict, judge
from bench.parts import PARTS
from bench.results import Figure, Results
from bench.scenarios import arrival, one, size, width

_SHOWN = {
    "starts": "Each start a dot, by contender",
    "parts": "Where the time of a start goes",
    "class": "Half ready and all ready, by size of the class",
    "size": "What more notebooks cost",
    "width": "Half ready and all ready, by the width of the gate",
}
_BLOCK = "<!-- {name}: begin -->\n{text}\n<!-- {name}: end -->"


def verdict_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """Return one line a limit: whether it is kept, what was found, and what was before."""
    return [_verdict(verdict) for verdict in verdicts]


def _verdict(verdict: Verdict) -> str:
    state = "ok  " if verdict.kept else "OVER"
    if verdict.found is None:
        return f"----  not measured: {verdict.limit.what}"
    was = f", before {verdict.before:.3g}" if verdict.before is not None else ""
    return f"{state}  {verdict.found:.3g} of {verdict.limit.most:g}{was}: {verdict.limit.what}"


def write(results: Results, budget: Budget, path: Path) -> None:
    """Replace what is between the marks of the page, and draw its plots beside it.

    Raises:
        ValueError: the page lacks a mark.
    """
    text = path.read_text()
    blocks = {
        "machine": _machine(results),
        "budget": _budget(judge(budget, results)),
        "starts": _plots(results, one.NAME, "starts", "parts"),
        "class": _plots(results, arrival.NAME, "class"),
        "width": _plots(results, width.NAME, "width"),
        "size": _plots(results, size.NAME, "size"),
        "figures": _table(results.figures),
    }
    for name, content in blocks.items():
        text = _replaced(text, name, content)
    path.write_text(text)
    figures.draw(results, path.parent / "performance")


def _replaced(text: str, name: str, content: str) -> str:
    block = re.escape(_BLOCK.format(name=name, text="TEXT")).replace("TEXT", ".*?")
    made = _BLOCK.format(name=name, text=content)
    changed, count = re.subn(block, lambda _: made, text, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"The page has no place for {name}: it lacks its two marks.")
    return changed


def _machine(results: Results) -> str:
    machine = results.machine
    packages = ", ".join(f"{name} {number}" for name, number in sorted(machine.packages.items()))
    return (
        f"Measured on {results.date}: {machine.cores} cores of {machine.processor}, "
        f"{machine.memory / 2**30:.0f} GiB, engine {machine.engine}; {packages}."
    )


def _plots(results: Results, scenario: str, *names: str) -> str:
    if all(figure.scenario != scenario for figure in results.figures):
        return f"Not measured yet: `make bench SCENARIOS={scenario}`."
    return "\n\n".join(f"![{_SHOWN[name]}](performance/{name}.svg)" for name in names)


def _budget(verdicts: Sequence[Verdict]) -> str:
    rows = ["| the budget says that | at most | found | |", "|---|---|---|---|"]
    for verdict in verdicts:
        limit, unit = verdict.limit, f" {verdict.limit.unit}".rstrip()
        most = f"{limit.most:g}{unit}"
        if verdict.found is None:
            rows.append(f"| {limit.what} | {most} | - | not measured |")
            continue
        kept = "kept" if verdict.kept else "**over**"
        rows.append(f"| {limit.what} | {most} | {verdict.found:.3g}{unit} | {kept} |")
    return "\n".join(rows)


def _table(measured: Sequence[Figure]) -> str:
    rows = [
        "| scenario | who | what | median | least | most | runs |",
        "|---|---|---|---|---|---|---|",
    ]
    order = {f"part: {name}": number for number, (name, _) in enumerate(PARTS)}
    for figure in sorted(measured, key=lambda figure: order.get(figure.measure, -1)):
        found, unit = figure.spread, "" if figure.unit == "count" else f" {figure.unit}"
        cells = [figure.scenario, figure.contender, figure.measure]
        cells += [f"{number:.3g}{unit}" for number in (found.median, found.low, found.high)]
        rows.append(f"| {' | '.join(cells)} | {found.count} |")
    return "\n".join(rows)
