"""Records as the command sees them: kinds, finding one by name, phases and the wire form."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import typer
from swarmhub_crds.base import API_VERSION
from swarmhub_crds.errors import NotFound, StoreError
from swarmhub_crds.home import Home
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.decide import phases

Record = Notebook | Home | Broken

phase_of = phases.phase_of


class Kind(StrEnum):
    """The kinds of record, by the word of `describe KIND NAME`."""

    NOTEBOOK = "notebook"
    HOME = "home"

    @property
    def plural(self) -> str:
        """The word for several."""
        return f"{self.value}s"


WORDS: Final = {
    "notebook": Kind.NOTEBOOK,
    "notebooks": Kind.NOTEBOOK,
    "nb": Kind.NOTEBOOK,
    "home": Kind.HOME,
    "homes": Kind.HOME,
}


def target(word: str, name: str | None) -> tuple[Kind, str | None]:
    """Return the kind and the name that `KIND [NAME]` or `KIND/NAME` mean.

    Raises:
        typer.BadParameter: there is no such kind, or the name is given twice.
    """
    first, slash, rest = word.partition("/")
    if slash and name is not None:
        raise typer.BadParameter(f"the name is given twice, as {rest!r} and {name!r}; give it once")
    if first.lower() not in WORDS:
        raise typer.BadParameter(f"there is no kind {first!r}; use one of: {', '.join(WORDS)}")
    return WORDS[first.lower()], (rest or None) if slash else name


def notebook_word(text: str) -> str:
    """Return what `notebook/NAME` or NAME name; `alice/lab` is one of the latter."""
    first, _, rest = text.partition("/")
    return rest if rest and WORDS.get(first.lower()) is Kind.NOTEBOOK else text


def list_records(store: Store, kind: Kind) -> Sequence[Record]:
    """Return all records of a kind in the order of their names.

    Raises:
        StoreError: the store cannot be read.
    """
    return store.list_notebooks() if kind is Kind.NOTEBOOK else store.list_homes()


def get_record(store: Store, kind: Kind, name: str) -> Record | None:
    """Return the record of exactly this name, or None.

    Raises:
        StoreError: the store cannot be read.
    """
    return store.get_notebook(name) if kind is Kind.NOTEBOOK else store.get_home(name)


def find_record(store: Store, kind: Kind, text: str) -> Record:
    """Return the record named `text` or, if there is none, that of USER or USER/SERVER.

    Raises:
        NotFound: nothing fits, or several homes do.
        StoreError: the store cannot be read.
    """
    found = get_record(store, kind, text)
    if found is not None:
        return found
    user, _, server = text.partition("/")
    matches = _of_user(store, kind, user, server)
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = ", ".join(map(name_of, matches))
        raise NotFound(f"User {user!r} has {len(matches)} homes ({names}); give the name of one.")
    raise NotFound(f"There is no {kind} {text!r}; `swarmhub get {kind.plural}` lists them.")


def names_meant(store: Store, kind: Kind, text: str) -> set[str]:
    """Return the names that NAME, USER or USER/SERVER may mean, also of what is no more.

    Raises:
        StoreError: the store cannot be read.
    """
    if get_record(store, kind, text) is not None:
        return {text}
    user, _, server = text.partition("/")
    names = {text, *map(name_of, _of_user(store, kind, user, server))}
    return names | ({notebook_name(user, server)} if kind is Kind.NOTEBOOK else set())


def find_home(store: Store, text: str) -> Home:
    """Return the home that `text` names, as `find_record` does.

    Raises:
        NotFound: as `find_record`.
        StoreError: the store, or the record, cannot be read.
    """
    found = find_record(store, Kind.HOME, text)
    if not isinstance(found, Home):
        raise StoreError(f"The record of the home {text!r} cannot be read; `describe` says why.")
    return found


def find_notebook(store: Store, text: str) -> Notebook:
    """Return the notebook that `text` names, as `find_record` does; `notebook/NAME` is taken, too.

    Raises:
        NotFound: as `find_record`.
        StoreError: the store, or the record, cannot be read.
    """
    found = find_record(store, Kind.NOTEBOOK, notebook_word(text))
    if not isinstance(found, Notebook):
        raise StoreError(
            f"The record of {text!r} cannot be read; `swarmhub describe notebook {text}` says why."
        )
    return found


def is_acted_on(notebook: Notebook) -> bool:
    """Tell whether the operator has acted on what is wanted now."""
    return notebook.status.observed_generation == notebook.metadata.generation


def has_ended(notebook: Notebook) -> bool:
    """Tell whether nothing runs of what is wanted now."""
    return is_acted_on(notebook) and notebook.status.phase in (Phase.STOPPED, Phase.FAILED)


def _of_user(store: Store, kind: Kind, user: str, server: str) -> list[Record]:
    """Return a user's notebook, or the homes of that server; of all servers if none is named."""
    if kind is Kind.NOTEBOOK:
        found = store.get_notebook(notebook_name(user, server))
        return [] if found is None else [found]
    homes = [home for home in store.list_homes() if isinstance(home, Home)]
    own: list[Record] = [home for home in homes if home.spec.user == user]
    if not server:
        return own
    notebook = store.get_notebook(notebook_name(user, server))
    mounted = home_names(notebook) if isinstance(notebook, Notebook) else []
    return [home for home in own if name_of(home) in mounted]


def home_names(notebook: Notebook) -> list[str]:
    """Return the names of the homes that a notebook mounts."""
    return [mount.volume for mount in notebook.spec.mounts if mount.home]


def kind_of(record: Record) -> Kind:
    """Return a record's kind."""
    return Kind(record.kind.lower())


def name_of(record: Record) -> str:
    """Return a record's name."""
    return record.name if isinstance(record, Broken) else record.metadata.name


def wire(record: Record) -> dict[str, Any]:
    """Return the record as JSON values, camelCase.

    One that cannot be read has `invalid`, the reason, in place of `spec`.
    """
    if not isinstance(record, Broken):
        return record.model_dump(mode="json", by_alias=True)
    marked = record.deletion_requested_at
    return {
        "apiVersion": API_VERSION,
        "kind": record.kind,
        "metadata": {
            "name": record.name,
            "uid": record.uid,
            "generation": record.generation,
            "resourceVersion": record.resource_version,
            "deletionRequestedAt": None
            if marked is None
            else marked.isoformat().replace("+00:00", "Z"),
        },
        "invalid": record.message,
        "status": None
        if record.status is None
        else record.status.model_dump(mode="json", by_alias=True),
    }


def wire_list(records: Sequence[Record]) -> dict[str, Any]:
    """Return records as one JSON document."""
    items = [wire(record) for record in records]
    return {"apiVersion": API_VERSION, "kind": "List", "items": items}
