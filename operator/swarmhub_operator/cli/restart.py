"""`swarmhub restart`: servers anew, as they were started; homes and names stay."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import typer
from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_crds.readable import span
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.choosing import Names, chosen, is_to_run, name_of, named
from swarmhub_operator.cli.duration import duration
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.options import DryRun, Labels, StateUrl, Timeout, Yes, opened
from swarmhub_operator.cli.records import is_acted_on
from swarmhub_operator.cli.text import safe
from swarmhub_operator.settings import DEFAULT_STATE_URL

_LOOK_EVERY: Final = 0.2  # seconds
_DONE: Final = "restarted"


def restart(
    names: Names = None,
    selector: Labels = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    timeout: Timeout = "5m",
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Restart servers that run, each as it was started. Homes stay; running kernels are lost.

    What has changed in the hub's configuration since counts at the next start from the hub. The
    exit code is 1 if one of them does not run again within the time.
    """
    seconds = duration(timeout).total_seconds()
    with opened(state_url) as store:
        found = chosen(store, names, selector)
        idle = [n for n in found if not _runs(n)]
        for notebook in idle:
            output.warn(f"notebook {name_of(notebook)} does not run; it is started from the hub.")
        running = [n for n in found if _runs(n)]
        if dry_run:
            for notebook in running:
                output.write(f"notebook/{name_of(notebook)} would be restarted")
            return
        if running and not yes and not typer.confirm(_question(running), err=True):
            raise typer.Exit(TROUBLE)
        asked = [store.restart_notebook(notebook.metadata.name) for notebook in running]
        if not _again(store, asked, seconds) or idle:
            raise typer.Exit(TROUBLE)


def _runs(notebook: Notebook) -> bool:
    """Tell whether there is a task that the operator would replace."""
    ended = notebook.status.phase in (Phase.FAILED, Phase.STOPPED)
    return is_to_run(notebook) and not ended and notebook.status.task_id is not None


def _question(running: Sequence[Notebook]) -> str:
    lost = "What runs in its kernels is lost, and all that lies outside its home."
    return f"Restart {named(running)}? {lost}"


def _again(store: Store, asked: Sequence[Notebook], seconds: float) -> bool:
    """Wait until all run again, and tell; False if one does not."""
    end = time.monotonic() + seconds
    left, well = {n.metadata.name: n.metadata.restart_of for n in asked}, True
    while left:
        for name, old in sorted(left.items()):
            how = _how_it_is(store, name, old)
            if how:
                output.write(f"notebook/{safe(name)} {how}")
                well = well and how == _DONE
                del left[name]
        if time.monotonic() > end:
            break
        time.sleep(_LOOK_EVERY if left else 0)
    for name in sorted(left):
        output.warn(
            f"notebook {safe(name)} did not run again within {span(seconds)}; "
            f"`swarmhub describe notebook {safe(name)}` says why."
        )
    return well and not left


def _how_it_is(store: Store, name: str, old: str | None) -> str:
    """Return what has become of a server, or "" while the task `old` is being replaced."""
    record = store.get_notebook(name)
    if not isinstance(record, Notebook):
        return "was removed" if record is None else "cannot be read"
    if not is_to_run(record):
        return "was stopped meanwhile"
    if not is_acted_on(record) or record.status.task_id == old:
        return ""
    if record.status.phase is Phase.FAILED:
        return f"failed: {safe(record.status.message)}"
    return _DONE if record.status.phase is Phase.RUNNING else ""
