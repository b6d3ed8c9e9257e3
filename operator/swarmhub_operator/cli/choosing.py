"""Which notebooks a verb is for: those that are named, or those of a selector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.completing import complete_notebook
from swarmhub_operator.cli.labels import selected
from swarmhub_operator.cli.records import find_notebook
from swarmhub_operator.cli.selector import Selector
from swarmhub_operator.cli.text import safe

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="Notebooks' names; if none has it, USER or USER/SERVER.",
        autocompletion=complete_notebook,
        show_default=False,
    ),
]


def chosen(store: Store, names: Sequence[str] | None, selector: Selector | None) -> list[Notebook]:
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
    found = selected([n for n in readable if is_to_run(n)], selector)
    if not found:
        output.warn("No notebook has such labels; `swarmhub get notebooks` lists all.")
    return found


def is_to_run(notebook: Notebook) -> bool:
    """Tell whether a notebook's server should run."""
    return notebook.spec.desired is Desired.RUNNING


def name_of(notebook: Notebook) -> str:
    """Return a notebook's name as a terminal may show it."""
    return safe(notebook.metadata.name)


def named(notebooks: Sequence[Notebook]) -> str:
    """Return which those are, for a question."""
    return name_of(notebooks[0]) if len(notebooks) == 1 else f"{len(notebooks)} servers"
