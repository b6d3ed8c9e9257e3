"""`swarmhub images`: the images that the nodes are to have, and how far they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import typer
from swarmhub_crds.base import API_VERSION
from swarmhub_crds.image import OnNode, Pull, SeenImage
from swarmhub_crds.readable import NONE
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.imagestate import ImageState, messages, present_on, state_of
from swarmhub_operator.cli.options import Form, SortBy, StateUrl, opened, ordered
from swarmhub_operator.cli.output import Document, Output
from swarmhub_operator.cli.sorting import listed_in_order
from swarmhub_operator.cli.table import Table, cut
from swarmhub_operator.cli.text import safe
from swarmhub_operator.cli.watch import reader_gone
from swarmhub_operator.settings import DEFAULT_STATE_URL

LOOK: Final = 1.0  # seconds between two looks
_DIGEST: Final = 19  # characters of a digest that are shown: sha256: and twelve
_NAME: Final = 60  # terminal cells; names of images are long
_TITLES: Final = ("IMAGE", "DIGEST", "NODES", "STATE")
_WIDE: Final = ("ORIGIN", "COMING", "MESSAGE")
_FIELDS: Final = {
    "IMAGE": ".image",
    "DIGEST": ".reference",
    "NODES": ".present",
    "STATE": ".state",
    "ORIGIN": ".origin",
    "COMING": ".coming",
    "MESSAGE": ".message",
}

Watch = Annotated[
    bool, typer.Option("-w", "--watch", help="Go on, with each row that changes, until Ctrl-C.")
]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        min=0,
        metavar="SECONDS",
        help="Tell how far the nodes are until all is pulled or has failed; exit code 1 if not.",
        show_default=False,
    ),
]


def images(
    form: Form = None,
    watch: Watch = False,
    wait: Wait = None,
    sort_by: SortBy = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """List the images that the nodes pull before anybody waits for them.

    They are read from the store, as the operator last saw them: no engine is asked.
    """
    if form in {Output.JSON, Output.YAML, Output.NAME} and (watch or wait is not None):
        raise typer.BadParameter(f"-o {form} is for the list; leave it out with -w and --wait")
    if sort_by is not None and (watch or wait is not None):
        output.warn("--sort-by is of no use with -w and --wait: images come as they change.")
    with opened(state_url) as store:
        if wait is not None:
            _wait(store, wait)
        elif watch:
            with suppress(KeyboardInterrupt):
                _watch(store, wide=form is Output.WIDE)
        else:
            found = store.list_images()
            _once(ordered(found, lambda by: _in_order(found, by), sort_by), form)


def _in_order(found: Sequence[SeenImage], by: str) -> list[SeenImage]:
    return listed_in_order(found, _item, _FIELDS, by, "images")


def _once(found: Sequence[SeenImage], form: Output | None) -> None:
    if form in {Output.JSON, Output.YAML}:
        content = {
            "apiVersion": API_VERSION,
            "kind": "ImageList",
            "items": [_item(image) for image in found],
        }
        output.write(output.document(content, Document(form)))
    elif form is Output.NAME:
        for image in found:
            output.write(f"image/{safe(image.image)}")
    elif found:
        table = _table(wide=form is Output.WIDE)
        rows = [_row(image, wide=form is Output.WIDE) for image in found]
        table.fit(rows)
        for line in (table.header(), *map(table.line, rows)):
            output.write(line)
    else:
        output.warn("No operator has told of any image yet.")


def _item(image: SeenImage) -> dict[str, Any]:
    own = image.model_dump(mode="json", by_alias=True)
    return {**own, "state": state_of(image).value, "present": present_on(image)}


def _table(*, wide: bool) -> Table:
    return Table(_TITLES + (_WIDE if wide else ()), output.paint, colored="STATE")


def _row(image: SeenImage, *, wide: bool) -> list[str]:
    on = f"{present_on(image)}/{len(image.nodes)}"
    cells = [cut(image.image, _NAME), _digest(image.target), on, state_of(image).value]
    more = [image.origin, _digest(image.coming), " ".join(messages(image))] if wide else []
    return [safe(cell) or NONE for cell in (*cells, *more)]


def _digest(reference: str) -> str:
    return reference.partition("@")[2][:_DIGEST]


def _watch(store: Store, *, wide: bool) -> None:
    shown: dict[str, list[str]] = {}
    table, first = _table(wide=wide), True
    while not reader_gone():
        rows = {image.image: _row(image, wide=wide) for image in store.list_images()}
        table.fit(rows.values())
        if first:
            output.write(table.header())
        for name, row in rows.items():
            if shown.get(name) != row:
                output.write(table.line(row))
        sys.stdout.flush()
        shown, first = rows, False
        time.sleep(LOOK)


def _wait(store: Store, seconds: float) -> None:
    """Tell each change until nothing more comes soon.

    Raises:
        typer.Exit: not every image is on every node that takes tasks.
    """
    end, told = time.monotonic() + seconds, set[str]()
    while True:
        found = store.list_images()
        for line in _progress(found):
            if line not in told:
                output.write(safe(line))
                sys.stdout.flush()
        told |= set(_progress(found))
        settled = _is_settled(store, found)
        if settled or time.monotonic() >= end:
            break
        time.sleep(LOOK)
    if not settled or any(_is_bad(image) for image in found):
        raise typer.Exit(TROUBLE)


def _progress(found: Sequence[SeenImage]) -> Iterator[str]:
    entries = [entry for image in found for entry in image.nodes]
    for name in sorted({entry.node for entry in entries}):
        own = [entry for entry in entries if entry.node == name]
        here = sum(entry.state is Pull.PRESENT for entry in own)
        if here:
            which = "the images that run there" if here == len(own) else f"{here} of {len(own)}"
            yield f"{name} has {which}"
    for image in found:
        if _is_bad(image):
            yield from (f"{image.image}: {sentence}" for sentence in messages(image))


def _is_bad(image: SeenImage) -> bool:
    return state_of(image) in (ImageState.FAILED, ImageState.NOT_PULLED)


def _is_settled(store: Store, found: Sequence[SeenImage]) -> bool:
    """Whether the operator has seen all nodes and all that is announced, and waits for nothing."""
    usable = {n.id for n in store.list_nodes() if (n.state, n.availability) == ("ready", "active")}
    known = {image.image for image in found}
    if not found or not usable or not known.issuperset(store.announced_images()):
        return False
    return all(not image.target or _has_settled(image.nodes, usable) for image in found)


def _has_settled(entries: Sequence[OnNode], usable: set[str]) -> bool:
    over = {e.node_id for e in entries if e.state in (Pull.PRESENT, Pull.FAILED)}
    return over >= usable
