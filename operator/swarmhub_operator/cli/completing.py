"""What the shell offers: kinds, and names from the store if that can be read at once."""

from __future__ import annotations

import re
import threading
from contextlib import closing, suppress
from typing import Final

import typer
from swarmhub_crds.store import Store

from swarmhub_operator.cli.records import WORDS, Kind, list_records, name_of, target
from swarmhub_operator.settings import DEFAULT_STATE_URL

WITHIN: Final = 1.0  # seconds; who presses Tab does not wait longer
# A hub could write any name into the store, and shells evaluate what they are offered.
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NOTEBOOK: Final = f"{Kind.NOTEBOOK}/"  # as `get -o name` prints it


def complete_kind(incomplete: str) -> list[str]:
    """Return the kinds that begin like what was typed."""
    return [word for word in WORDS if word.startswith(incomplete)]


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of records of the kind that was given."""
    try:
        kind, _ = target(ctx.params.get("kind") or "", None)
    except typer.BadParameter:
        return []
    return [name for name in _names(ctx, kind) if name.startswith(incomplete)]


def complete_notebook(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of notebooks, but for those that were given already."""
    begin = _NOTEBOOK if incomplete.startswith(_NOTEBOOK) else ""
    given = ctx.params.get("names") or ()
    names = (begin + name for name in _names(ctx, Kind.NOTEBOOK))
    return [name for name in names if name.startswith(incomplete) and name not in given]


def _names(ctx: typer.Context, kind: Kind) -> list[str]:
    """Read the names; none if that takes long, or fails in whichever way."""
    found: list[str] = []

    def read() -> None:
        url = ctx.params.get("state_url") or DEFAULT_STATE_URL
        # Whatever goes wrong: an error would end up in the line that is being typed.
        with suppress(Exception), closing(Store.open(url, create=False)) as store:
            found.extend(name_of(record) for record in list_records(store, kind))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(WITHIN)
    return [name for name in tuple(found) if _PLAIN.fullmatch(name)]
