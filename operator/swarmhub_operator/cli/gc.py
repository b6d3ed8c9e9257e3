"""`swarmhub gc`: what the operator holds back, and having some of it removed after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from swarmhub_crds.base import API_VERSION
from swarmhub_crds.errors import NotFound
from swarmhub_crds.held import Held
from swarmhub_crds.readable import NONE, age

from swarmhub_operator.cli import output
from swarmhub_operator.cli.options import DryRun, Form, StateUrl, Yes, clock, opened
from swarmhub_operator.cli.output import Document, Output
from swarmhub_operator.cli.table import Table, cut
from swarmhub_operator.cli.text import safe
from swarmhub_operator.settings import DEFAULT_STATE_URL

_TITLES = ("ID", "KIND", "NAME", "USER", "AGE", "WHY")
_WIDE = ("NOTEBOOK", "UID", "MESSAGE")
_SHORT = 12  # characters of an id, as docker shows them

Confirm = Annotated[
    list[str] | None,
    typer.Option(
        "--confirm",
        metavar="ID",
        help="Have this one removed: an id of the list, or its beginning. May be repeated.",
        show_default=False,
    ),
]


def gc(
    form: Form = None,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """List what has no record and is left alone, or confirm that it is to be removed.

    The operator itself removes what the store remembers to have been deleted. All else may be what
    a lost or older store has forgotten: first try `swarmhub state rebuild`.
    """
    if confirm and form is not None:
        raise typer.BadParameter("-o is for the list; leave it out with --confirm")
    with opened(state_url) as store:
        held = store.list_held()
        if not confirm:
            _show(held, form)
            return
        chosen = [_one(held, ident) for ident in dict.fromkeys(confirm)]
        for line in _table(chosen, clock(), wide=False):
            output.write(line)
        if dry_run:
            output.write(f"{len(chosen)} would be removed.")
            return
        if not yes and not typer.confirm("Remove for good?"):
            raise typer.Exit(1)
        store.confirm_removals([one.id for one in chosen])
    output.write(f"Confirmed; the operator removes {len(chosen)} at its next sweep.")


def _one(held: Sequence[Held], ident: str) -> Held:
    """Return the one whose id is or begins with `ident`."""
    found = [one for one in held if ident and one.id.startswith(ident)]
    exact = [one for one in found if one.id == ident]
    found = exact or found
    if len(found) != 1:
        what = "Nothing that is held has" if not found else f"{len(found)} of what is held have"
        raise NotFound(
            f"{what} an id that begins with {ident!r}; `swarmhub gc -o name` lists them."
        )
    if not found[0].removable:
        raise NotFound(f"{safe(found[0].name)} are not this store's to remove. {found[0].message}")
    return found[0]


def _show(held: Sequence[Held], form: Output | None) -> None:
    if form in {Output.JSON, Output.YAML}:
        items = [one.model_dump(mode="json", by_alias=True) for one in held]
        content = {"apiVersion": API_VERSION, "kind": "HeldList", "items": items}
        output.write(output.document(content, Document(form)))
    elif form is Output.NAME:
        for one in held:
            output.write(safe(one.id))
    elif held:
        for line in _table(held, clock(), wide=form is Output.WIDE):
            output.write(line)
    else:
        output.warn("Nothing is held back.")


def _table(held: Sequence[Held], now: datetime, *, wide: bool) -> list[str]:
    table = Table(_TITLES + (_WIDE if wide else ()), output.paint)
    rows = [_row(one, now, wide=wide) for one in held]
    table.fit(rows)
    return [table.header(), *map(table.line, rows)]


def _row(one: Held, now: datetime, *, wide: bool) -> list[str]:
    made = age(one.made_at, now)
    ident = one.id if wide else one.id[:_SHORT]
    cells = [ident, one.kind, one.name, one.user, made, str(one.why)]
    more = [one.notebook, one.uid, one.message] if wide else []
    return [safe(cell) or NONE for cell in (*map(cut, cells), *more)]
