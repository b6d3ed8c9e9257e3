"""Measures swarmhub; `python -m bench --help` says how. Needs root, and an idle machine."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from support.shell import run as run_program

from bench import budget, page, results
from bench.results import Figure, Machine, Results
from bench.say import say
from bench.scenarios import NAMES, ON_AN_ENGINE, SIMULATED
from bench.site.peers import PEERS
from bench.site.site import open_site

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "performance" / "results.json"
BUDGET = Path(__file__).with_name("budget.toml")

app = typer.Typer(help="Measurements of swarmhub.", no_args_is_help=True, add_completion=False)
Rounds = Annotated[int, typer.Option(min=1, help="How often each is measured.")]
Chosen = Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(NAMES)}; all.")]
File = Annotated[Path, typer.Option("--results", help="File of results.")]


@app.command()
def run(scenarios: Chosen = None, rounds: Rounds = 10, file: File = RESULTS) -> None:
    """Measure, and put the figures into the file of results; none of a scenario that fails."""
    chosen = scenarios or NAMES
    for name in chosen:
        if name not in NAMES:
            known = ", ".join(NAMES)
            raise typer.BadParameter(f"there is no scenario {name}; there are: {known}")
    for name in SIMULATED.keys() & set(chosen):
        say(f"scenario {name}")
        _save(SIMULATED[name](rounds), file)
    on_an_engine = [name for name in ON_AN_ENGINE if name in chosen]
    if not on_an_engine:
        return
    say("building the images and starting swarmhub on an engine of its own")
    with open_site() as site:
        for name in on_an_engine:
            say(f"scenario {name}")
            _save(ON_AN_ENGINE[name](site, rounds), file)


def _save(figures: list[Figure], file: Path) -> None:
    """Put what a scenario has measured into the file; one that comes later may yet fail."""
    made = Results(
        date=datetime.now(UTC).date().isoformat(), machine=_machine(), figures=tuple(figures)
    )
    results.save(results.load(file).merged(made) if file.exists() else made, file)
    say(f"written to {file}")


@app.command()
def check(file: File = RESULTS, before: Annotated[Path | None, typer.Option()] = None) -> None:
    """Hold the results against the budget, and against results of before; exit code 1 if over."""
    earlier = results.load(before) if before else None
    verdicts = budget.judge(budget.load(BUDGET), results.load(file), earlier)
    for line in page.verdict_lines(verdicts):
        typer.echo(line)
    if not all(verdict.kept for verdict in verdicts):
        raise typer.Exit(1)


@app.command()
def write(file: File = RESULTS) -> None:
    """Put the tables and plots of the results into docs/performance.md."""
    page.write(results.load(file), budget.load(BUDGET), ROOT / "docs" / "performance.md")


def _machine() -> Machine:
    packages = {name: version(name) for name in ("jupyterhub", "docker", "swarmhub-operator")}
    packages |= {peer.package: peer.version for peer in PEERS}
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        engine=run_program("dockerd", "--version").split()[2].rstrip(","),
        packages=packages,
    )


def _processor() -> str:
    for field in json.loads(run_program("lscpu", "--json"))["lscpu"]:
        if field["field"] == "Model name:":
            return str(field["data"])
    return platform.machine()


if __name__ == "__main__":
    app()
