"""`swarmhub logs`: what a server writes, from whichever node."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Final

import typer
from swarmhub_crds.errors import NotFound
from swarmhub_crds.notebook import Notebook

from swarmhub_operator.cli import output
from swarmhub_operator.cli.completing import complete_notebook
from swarmhub_operator.cli.duration import duration
from swarmhub_operator.cli.options import DockerHost, StateUrl, clock, engine_at, opened
from swarmhub_operator.cli.records import (
    Kind,
    Record,
    find_record,
    name_of,
    notebook_word,
    phase_of,
)
from swarmhub_operator.cli.text import safe
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.errors import Kind as Trouble
from swarmhub_operator.engine.observed import Task
from swarmhub_operator.engine.port import LogSource
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL

LOOK_EVERY: Final = 2.0  # seconds between two looks whether a followed container has ended

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A notebook's name; if none has it, USER or USER/SERVER.",
        autocompletion=complete_notebook,
        show_default=False,
    ),
]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Go on as more is written.")]
Previous = Annotated[
    bool, typer.Option("-p", "--previous", help="Of the container before the last restart.")
]
Tail = Annotated[
    int, typer.Option("--tail", metavar="LINES", help="Only the last lines; -1: all.", min=-1)
]
Since = Annotated[
    timedelta | None,
    typer.Option(
        "--since",
        parser=duration,
        metavar="AGE",
        help="Only what is no older: 30s, 15m, 2h, 1d.",
        show_default=False,
    ),
]
Timestamps = Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")]


def logs(
    name: Name,
    follow: Follow = False,
    previous: Previous = False,
    tail: Tail = -1,
    since: Since = None,
    timestamps: Timestamps = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
) -> None:
    """Print what a user's server writes: to a terminal with control characters as escapes.

    Swarm keeps the last five containers of a server until it is stopped.
    """
    with opened(state_url) as store:
        record = find_record(store, Kind.NOTEBOOK, notebook_word(name))
        uid = store.uid
    engine = engine_at(docker_host)
    task = _chosen(engine.tasks(uid), record, previous=previous)
    _refuse_unreachable(engine, task)
    params = {"tail": "all" if tail < 0 else str(tail)}
    if since is not None:
        params["since"] = str(int((clock() - since).timestamp()))
    if timestamps:
        params["timestamps"] = "1"
    if not follow or task.ended:
        _print(engine.stream_log(task.id, params))
        return
    with suppress(KeyboardInterrupt):
        _print(_until_ended(engine, uid, task, {**params, "follow": "1"}))


def _chosen(tasks: Iterable[Task], record: Record, *, previous: bool) -> Task:
    """Return the newest of a notebook's tasks that had a container, or the one before.

    Raises:
        NotFound: there is none; the sentence says what there is.
    """
    name = name_of(record)
    found = sorted((t for t in tasks if t.notebook == name and t.container), key=lambda t: t.rank)
    at = -2 if previous else -1
    if len(found) >= -at:
        return found[at]
    which = "an earlier" if previous and found else "a"
    told = record.status.message if isinstance(record, Notebook) else ""
    raise NotFound(
        f"{name} has not {which} container whose log is kept (it is {phase_of(record)}"
        f"{f': {told}' if told else ''}); `swarmhub describe notebook {name}` tells more."
    )


def _refuse_unreachable(engine: LogSource, task: Task) -> None:
    node = next((n for n in engine.nodes() if n.id == task.node_id), None)
    if node is not None and node.state != "ready":
        raise EngineError(
            Trouble.UNAVAILABLE,
            f"The log is on {node.hostname}, which {node.hindrance}; ask again once it is back.",
        )


def _until_ended(
    engine: LogSource, uid: str, task: Task, params: dict[str, str]
) -> Iterator[bytes]:
    """Follow a log until its container has ended; the engine itself does not tell."""
    pieces: queue.Queue[bytes | EngineError | None] = queue.Queue(maxsize=100)

    def read() -> None:
        try:
            for piece in engine.stream_log(task.id, params):
                pieces.put(piece)
            pieces.put(None)
        except EngineError as error:
            pieces.put(error)

    threading.Thread(target=read, daemon=True).start()
    ended = False
    while True:
        try:
            piece = pieces.get(timeout=LOOK_EVERY)
        except queue.Empty:
            if ended:  # and what it wrote last has come meanwhile
                return
            ended = not any(t.id == task.id and not t.ended for t in engine.tasks(uid))
            continue
        if piece is None:
            return
        if isinstance(piece, EngineError):
            raise piece
        yield piece


def _print(pieces: Iterable[bytes]) -> None:
    # The command's script knows of a terminal that it could not hand on.
    if not (output.is_terminal() or os.environ.get("SWARMHUB_TERMINAL")):
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        return
    for line in _lines(pieces):
        output.write(safe(line.replace("\t", "    ")))
        sys.stdout.flush()


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    pending = b""
    for piece in pieces:
        *whole, pending = (pending + piece).split(b"\n")
        yield from (line.decode(errors="replace").rstrip("\r") for line in whole)
    if pending:
        yield pending.decode(errors="replace")
