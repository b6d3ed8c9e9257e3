"""`swarmhub stop`: ends servers as their users would; homes stay."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.completing import complete_notebook
from swarmhub_operator.cli.duration import duration
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.labels import selected
from swarmhub_operator.cli.options import DryRun, Labels, StateUrl, Timeout, Yes, opened
from swarmhub_operator.cli.records import find_notebook, has_ended
from swarmhub_operator.cli.selector import Selector
from swarmhub_operator.cli.text import safe, span
from swarmhub_operator.settings import DEFAULT_STATE_URL

_LOOK_EVERY: Final = 0.2  # seconds
_AGAIN: Final = "was started again meanwhile"

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME…",
        help="Notebooks' names; if none has it, USER or USER/SERVER.",
        autocompletion=complete_notebook,
        show_default=False,
    ),
]


def stop(
    names: Names = None,
    selector: Labels = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    timeout: Timeout = "2m",
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Stop servers. Homes stay; running kernels and all that lies outside the homes is lost.

    The hub notices by itself, and its users may start them again. The exit code is 1 while one of
    them has not ended.
    """
    seconds = duration(timeout).total_seconds()
    with opened(state_url) as store:
        found = _chosen(store, names or [], selector)
        if not found:
            output.warn("No notebook has such labels; `swarmhub get notebooks` lists all.")
        running = [n for n in found if n.spec.desired is Desired.RUNNING]
        if dry_run:
            for notebook in found:
                output.write(f"notebook/{_name(notebook)} {_would(notebook)}")
            return
        if running and not yes and not typer.confirm(_question(running), err=True):
            raise typer.Exit(TROUBLE)
        for notebook in running:
            store.set_desired(notebook.metadata.name, Desired.STOPPED)
        if not _ended(store, found, seconds):
            raise typer.Exit(TROUBLE)


def _chosen(store: Store, names: Sequence[str], selector: Selector | None) -> list[Notebook]:
    """Return the notebooks of these names, or those that are selected and run or should.

    Raises:
        typer.BadParameter: not exactly one of both is given.
        StoreError: the store cannot be read, or has no notebook of a name.
    """
    if bool(names) == (selector is not None):
        raise typer.BadParameter("give names of notebooks or a selector (-l), one of both")
    if names:
        return [find_notebook(store, name) for name in names]
    readable = [n for n in store.list_notebooks() if isinstance(n, Notebook)]
    running = [n for n in readable if n.spec.desired is Desired.RUNNING]
    return selected(running, selector)


def _name(notebook: Notebook) -> str:
    return safe(notebook.metadata.name)


def _would(notebook: Notebook) -> str:
    return "would be stopped" if notebook.spec.desired is Desired.RUNNING else "is to be stopped"


def _question(running: Sequence[Notebook]) -> str:
    which = _name(running[0]) if len(running) == 1 else f"{len(running)} servers"
    return f"Stop {which}? What runs in its kernels is lost, and all that lies outside its home."


def _ended(store: Store, found: Sequence[Notebook], seconds: float) -> bool:
    """Wait until all have ended, and tell; False if one has not."""
    end = time.monotonic() + seconds
    left = {notebook.metadata.name for notebook in found}
    again = False
    while True:
        for name, how in [(n, how) for n in sorted(left) if (how := _how_it_is(store, n))]:
            again = again or how == _AGAIN
            output.write(f"notebook/{safe(name)} {how}")
            left.discard(name)
        if not left or time.monotonic() > end:
            break
        time.sleep(_LOOK_EVERY)
    for name in sorted(left):
        output.warn(
            f"notebook {safe(name)} had not ended after {span(seconds)}; "
            f"`swarmhub describe notebook {safe(name)}` says why."
        )
    return not left and not again


def _how_it_is(store: Store, name: str) -> str:
    """Return what has become of a server, or "" while it ends."""
    record = store.get_notebook(name)
    if not isinstance(record, Notebook):
        return "removed" if record is None else ""
    if record.spec.desired is Desired.RUNNING:
        return _AGAIN
    return "stopped" if has_ended(record) else ""
