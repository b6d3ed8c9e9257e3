"""`swarmhub stop`: ends servers as their users would; homes stay."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import typer
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.readable import span
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.choosing import Names, chosen, is_to_run, name_of, named
from swarmhub_operator.cli.duration import duration
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.options import DryRun, Labels, StateUrl, Timeout, Yes, opened
from swarmhub_operator.cli.records import has_ended
from swarmhub_operator.cli.text import safe
from swarmhub_operator.settings import DEFAULT_STATE_URL

_LOOK_EVERY: Final = 0.2  # seconds
_AGAIN: Final = "was started again meanwhile"


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
        found = chosen(store, names, selector)
        running = [n for n in found if is_to_run(n)]
        if dry_run:
            for notebook in found:
                output.write(f"notebook/{name_of(notebook)} {_would(notebook)}")
            return
        if running and not yes and not typer.confirm(_question(running), err=True):
            raise typer.Exit(TROUBLE)
        for notebook in running:
            store.set_desired(notebook.metadata.name, Desired.STOPPED)
        if not _ended(store, found, seconds):
            raise typer.Exit(TROUBLE)


def _would(notebook: Notebook) -> str:
    return "would be stopped" if is_to_run(notebook) else "is to be stopped"


def _question(running: Sequence[Notebook]) -> str:
    which = named(running)
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
    if is_to_run(record):
        return _AGAIN
    return "stopped" if has_ended(record) else ""
