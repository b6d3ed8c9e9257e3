"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from swarmhub_crds.store import Store

from swarmhub_operator.cli.completing import complete_kind, complete_name
from swarmhub_operator.cli.output import Document, Output
from swarmhub_operator.cli.selector import Selector, SelectorError, parse
from swarmhub_operator.cli.sorting import SortError
from swarmhub_operator.engine.credentials import Credentials

if TYPE_CHECKING:
    from swarmhub_operator.engine.docker_engine import DockerEngine

T = TypeVar("T")


def selector(text: str) -> Selector:
    """Read a selector.

    Raises:
        typer.BadParameter: it cannot be understood.
    """
    try:
        return parse(text)
    except SelectorError as error:
        raise typer.BadParameter(str(error)) from error


ForPrograms = Annotated[
    Document | None,
    typer.Option("-o", "--output", help="For programs.", show_default=False),
]
Form = Annotated[
    Output | None,
    typer.Option("-o", "--output", help="Another form than the table.", show_default=False),
]
StateUrl = Annotated[
    str,
    typer.Option(
        "--state-url",
        envvar="SWARMHUB_STATE_URL",
        metavar="URL",
        show_default=True,
        help="The store to read.",
    ),
]
KindWord = Annotated[
    str,
    typer.Argument(
        metavar="KIND",
        help="notebooks or homes (also: notebook, nb, home).",
        autocompletion=complete_kind,
        show_default=False,
    ),
]
RecordName = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="A record's name; if none has it, USER or USER/SERVER.",
        autocompletion=complete_name,
        show_default=False,
    ),
]
Labels = Annotated[
    Selector | None,
    typer.Option(
        "-l",
        "--selector",
        parser=selector,
        metavar="LABELS",
        help="Only those whose labels are so: user=ada,phase!=Running,node in (a,b),!team.",
        show_default=False,
    ),
]
SortBy = Annotated[
    str | None,
    typer.Option(
        "--sort-by",
        metavar="COLUMN|PATH",
        help="A column, or a field such as .status.restarts.",
        show_default=False,
    ),
]
DockerHost = Annotated[
    str,
    typer.Option(
        "--docker-host",
        envvar="DOCKER_HOST",
        metavar="URL",
        show_default=True,
        help="A manager of the Swarm.",
    ),
]
Timeout = Annotated[
    str,
    typer.Option(
        "--timeout",
        metavar="TIME",
        help="How long to wait until it is done.",
        show_default=True,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]


def ordered(things: Sequence[T], order: Callable[[str], list[T]], by: str | None) -> Sequence[T]:
    """Return what is listed in the order that `--sort-by` asks for, if it does.

    Raises:
        typer.BadParameter: there is no such order.
    """
    if by is None:
        return things
    try:
        return order(by)
    except SortError as error:
        raise typer.BadParameter(str(error), param_hint="--sort-by") from error


def engine_at(url: str, *, reads_only: bool = False, logins: str = "") -> DockerEngine:
    """Return a manager's engine; it is first asked when it is first needed.

    With `reads_only` a call that would change something raises before it is sent. `logins` is
    the file of logins at registries.
    """
    # The SDK takes long to load, and most commands do not need it.
    from swarmhub_operator.engine.docker_engine import DockerEngine  # noqa: PLC0415

    if logins:
        return DockerEngine(url, _refuse if reads_only else _allow, Credentials(Path(logins)))
    return DockerEngine(url, _refuse) if reads_only else DockerEngine(url)


def _allow() -> None:
    """Let every call through."""


def _refuse() -> None:
    raise RuntimeError("A command that only reads has tried to change the Swarm.")


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """Open the store for a block; it is never created or migrated by a reader.

    Raises:
        StoreError: it cannot be opened.
    """
    store = Store.open(url, create=False)
    try:
        yield store
    finally:
        store.close()


def clock() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
