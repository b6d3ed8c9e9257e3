"""`swarmhub top`: CPU and memory of notebooks and nodes, as far as they can be had."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from swarmhub_crds.errors import NotFound, StoreUnavailable
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output, top_sums
from swarmhub_operator.cli import top_rows as rows
from swarmhub_operator.cli.errors import discard_output
from swarmhub_operator.cli.labels import is_selected
from swarmhub_operator.cli.measuring import take
from swarmhub_operator.cli.options import DockerHost, Form, Labels, StateUrl, engine_at, opened
from swarmhub_operator.cli.output import Document, Output
from swarmhub_operator.cli.records import Kind, find_record, name_of, notebook_word
from swarmhub_operator.cli.selector import Selector
from swarmhub_operator.cli.table import Table
from swarmhub_operator.cli.text import safe
from swarmhub_operator.cli.top_rows import By
from swarmhub_operator.cli.top_sums import OfNode, OfNotebook, Taken
from swarmhub_operator.cli.watch import Outage, reader_gone
from swarmhub_operator.engine.port import Measuring
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL

EVERY: Final = 4.0  # seconds between two looks of a watch, besides the one that measuring takes


class Of(StrEnum):
    """What `top` tells of."""

    NOTEBOOKS = "notebooks"
    NODES = "nodes"


_WORDS: Final = {
    "notebooks": Of.NOTEBOOKS,
    "notebook": Of.NOTEBOOKS,
    "nb": Of.NOTEBOOKS,
    "nodes": Of.NODES,
    "node": Of.NODES,
}


def _complete(incomplete: str) -> list[str]:
    return [word for word in _WORDS if word.startswith(incomplete)]


What = Annotated[
    str,
    typer.Argument(
        metavar="KIND",
        help="notebooks or nodes (also: notebook, nb, node).",
        autocompletion=_complete,
        show_default=False,
    ),
]
Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Only one: a notebook's name, USER or USER/SERVER; a node's hostname or id.",
        show_default=False,
    ),
]
SortBy = Annotated[
    By | None, typer.Option("--sort-by", help="The greatest first.", show_default=False)
]
Watch = Annotated[bool, typer.Option("-w", "--watch", help="Go on, and print all every 5 s.")]


@dataclass(frozen=True)
class _Wish:
    """What was asked for."""

    of: Of
    name: str | None
    selector: Selector | None
    by: By | None
    form: Output | None

    @property
    def wide(self) -> bool:
        return self.form is Output.WIDE


def top(
    kind: What,
    name: Name = None,
    form: Form = None,
    selector: Labels = None,
    sort_by: SortBy = None,
    watch: Watch = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
) -> None:
    """Show what is used of CPU and memory, what is kept for it, and what it may take.

    Of nodes this is the sum over the tasks on them. Use is measured on the node whose engine is
    asked, since a manager does not know it of other nodes.
    """
    wish = _Wish(_kind(kind), name, selector, sort_by, form)
    if name is not None and selector is not None:
        raise typer.BadParameter("give a name or a selector (-l), not both")
    engine = engine_at(docker_host, reads_only=True)
    with opened(state_url) as store:
        if not watch:
            for sentence in _show(store, engine, wish, compact=False):
                output.warn(safe(sentence))
            return
        with suppress(KeyboardInterrupt):
            _watch(store, engine, wish)
    if reader_gone():
        discard_output()


def _kind(word: str) -> Of:
    if word.lower() not in _WORDS:
        raise typer.BadParameter(f"there is no kind {word!r}; use one of: {', '.join(_WORDS)}")
    return _WORDS[word.lower()]


def _watch(store: Store, engine: Measuring, wish: _Wish) -> None:
    """Show all again and again; a sentence is said when it is news."""
    outage, said, first = Outage(), list[str](), True
    while not reader_gone():
        try:
            if not first and wish.form in (None, Output.WIDE):
                output.write("")
            sentences = _show(store, engine, wish, compact=True)
        except StoreUnavailable as error:
            outage.begin(error)
        else:
            outage.end()
            for sentence in sentences:
                if sentence not in said:
                    output.warn(safe(sentence))
            said, first = sentences, False
        sys.stdout.flush()
        time.sleep(EVERY)


def _show(store: Store, engine: Measuring, wish: _Wish, *, compact: bool) -> list[str]:
    """Print one look, and return what is to be said beside it."""
    known = {n.metadata.name: n for n in store.list_notebooks() if isinstance(n, Notebook)}
    taken, trouble = take(store, engine, everything=wish.of is Of.NODES)
    notebooks = top_sums.notebooks(taken, known, store.uid)
    if wish.of is Of.NOTEBOOKS:
        found = rows.in_order(_notebooks(store, wish, notebooks), wish.by, lambda one: one.name)
        far = top_sums.unmeasured(taken, found)
        _print(_notebook_view(found, wish, far), wish, compact=compact)
        empty = not found
    else:
        picked = _nodes(wish, top_sums.nodes(taken, store.uid))
        nodes = rows.in_order(picked, wish.by, lambda one: one.machine.hostname)
        far = sorted(one.machine.hostname for one in nodes if one.usage is None)
        _print(_node_view(nodes, wish, far), wish, compact=compact)
        empty = not nodes
    return _sentences(wish, taken, trouble, far, empty=empty)


def _notebooks(store: Store, wish: _Wish, found: list[OfNotebook]) -> list[OfNotebook]:
    """Return those that are asked for.

    Raises:
        NotFound: the one that is named is not there, or does not run.
    """
    if wish.name is not None:
        name = name_of(find_record(store, Kind.NOTEBOOK, notebook_word(wish.name)))
        one = [notebook for notebook in found if notebook.name == name]
        if not one:
            raise NotFound(
                f"The notebook {name!r} has no place on a node now; "
                f"`swarmhub describe notebook {name}` says why."
            )
        return one
    if wish.selector is None:
        return found
    return [n for n in found if n.record is not None and is_selected(n.record, wish.selector)]


def _nodes(wish: _Wish, found: list[OfNode]) -> list[OfNode]:
    if wish.name is not None:
        word = wish.name.removeprefix("node/")
        one = [node for node in found if word in (node.machine.hostname, node.machine.id)]
        if not one:
            raise NotFound(f"There is no node {word!r}; `swarmhub nodes` lists them.")
        return one
    if wish.selector is None:
        return found
    return [node for node in found if wish.selector.matches(node.machine.labels)]


@dataclass(frozen=True)
class _View:
    names: Sequence[str]
    titles: Sequence[str]
    cells: Sequence[Sequence[str]]
    content: Mapping[str, Any]


def _notebook_view(found: list[OfNotebook], wish: _Wish, far: list[str]) -> _View:
    return _View(
        [f"notebook/{one.name}" for one in found],
        rows.NOTEBOOKS + (rows.NOTEBOOKS_WIDE if wish.wide else ()),
        [rows.notebook_row(one, wide=wish.wide) for one in found],
        rows.notebook_list(found, far),
    )


def _node_view(found: list[OfNode], wish: _Wish, far: list[str]) -> _View:
    return _View(
        [f"node/{one.machine.hostname}" for one in found],
        rows.NODES + (rows.NODES_WIDE if wish.wide else ()),
        [rows.node_row(one, wide=wish.wide) for one in found],
        rows.node_list(found, far),
    )


def _print(view: _View, wish: _Wish, *, compact: bool) -> None:
    if wish.form in {Output.JSON, Output.YAML}:
        output.write(output.document(view.content, Document(wish.form), compact=compact))
    elif wish.form is Output.NAME:
        for name in view.names:
            output.write(safe(name))
    elif view.cells:
        table = Table(view.titles, output.paint)
        table.fit(view.cells)
        for line in (table.header(), *map(table.line, view.cells)):
            output.write(line)


def _sentences(
    wish: _Wish, taken: Taken, trouble: str, far: Sequence[str], *, empty: bool
) -> list[str]:
    said = [trouble] if trouble else []
    if empty and wish.of is Of.NODES:
        said.append("No node is known, or none has such labels.")
    elif empty:
        which = "No notebook" if wish.selector is None else "No notebook of such labels"
        said.append(f"{which} has a place on a node now; `swarmhub get notebooks` lists all.")
    if far and not trouble:
        here = next((m.hostname for m in taken.machines if m.id == taken.asked), "this one")
        said.append(
            f"Not measured on {', '.join(far)}: an engine counts for its own containers alone, and "
            f"the one that was asked is that of {here}."
        )
    return said
