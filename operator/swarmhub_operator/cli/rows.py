"""The rows of `get`: one record, one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from swarmhub_crds.base import find_condition
from swarmhub_crds.home import Home, HomeStatus
from swarmhub_crds.notebook import ConditionType, Notebook, NotebookStatus
from swarmhub_crds.readable import NONE, age
from swarmhub_crds.store import Broken

from swarmhub_operator.cli.records import Kind, Record, name_of, phase_of
from swarmhub_operator.cli.table import cut
from swarmhub_operator.cli.text import safe

_TITLES: Final = {
    Kind.NOTEBOOK: ("NAME", "USER", "SERVER", "PHASE", "READY", "RESTARTS", "NODE", "AGE"),
    Kind.HOME: ("NAME", "USER", "DRIVER", "NODE", "PHASE", "RECLAIM", "LAST-USED", "AGE"),
}
_WIDE: Final = {
    Kind.NOTEBOOK: ("IMAGE", "ADDRESS", "GENERATION", "MESSAGE"),
    Kind.HOME: ("SERVER", "GENERATION", "MESSAGE"),
}
CHANGING: Final = frozenset({"AGE", "LAST-USED"})  # with the clock alone


def titles(kind: Kind, *, wide: bool) -> tuple[str, ...]:
    """Return the column titles of a kind."""
    return _TITLES[kind] + (_WIDE[kind] if wide else ())


def row(record: Record, now: datetime, *, wide: bool) -> list[str]:
    """Return the cells of a record, safe to print: long ones are cut, but for the name's."""
    if isinstance(record, Notebook):
        narrow, more = _notebook(record, now), _notebook_more(record)
    elif isinstance(record, Home):
        narrow, more = _home(record, now), _home_more(record)
    elif record.kind == "Notebook":
        narrow, more = _broken_notebook(record), [NONE, NONE, NONE, record.message]
    else:
        narrow, more = _broken_home(record, now), [NONE, NONE, record.message]
    name, *rest = map(safe, narrow)
    cells = [name, *map(cut, rest)] + [safe(cell) for cell in more if wide]
    return [cell or NONE for cell in cells]


def ready(status: NotebookStatus) -> str:
    """Return the answer of the condition Ready, or "-" before there is one."""
    condition = find_condition(status.conditions, ConditionType.READY)
    return NONE if condition is None else condition.status


def generation(record: Notebook | Home) -> str:
    """Return the generation; "2/3" while the operator has acted on the second of three."""
    wanted, seen = record.metadata.generation, record.status.observed_generation
    return str(wanted) if seen == wanted else f"{seen}/{wanted}"


def _notebook(notebook: Notebook, now: datetime) -> Sequence[str]:
    spec, status = notebook.spec, notebook.status
    return (
        name_of(notebook),
        spec.user,
        spec.server,
        phase_of(notebook),
        ready(status),
        str(status.restarts),
        status.node or NONE,
        age(notebook.metadata.created_at, now),
    )


def _notebook_more(notebook: Notebook) -> Sequence[str]:
    status = notebook.status
    image = status.image or notebook.spec.image
    return (image, status.address or NONE, generation(notebook), status.message)


def _home(home: Home, now: datetime) -> Sequence[str]:
    spec, status = home.spec, home.status
    return (
        name_of(home),
        spec.user,
        spec.driver,
        status.node or NONE,
        phase_of(home),
        spec.reclaim,
        age(status.last_used_at, now),
        age(home.metadata.created_at, now),
    )


def _home_more(home: Home) -> Sequence[str]:
    return (home.spec.server, generation(home), home.status.message)


def _broken_notebook(broken: Broken) -> Sequence[str]:
    status = broken.status if isinstance(broken.status, NotebookStatus) else None
    known = (NONE, NONE, NONE) if status is None else _known(status)
    return (broken.name, NONE, NONE, phase_of(broken), *known, NONE)


def _known(status: NotebookStatus) -> tuple[str, str, str]:
    return ready(status), str(status.restarts), status.node or NONE


def _broken_home(broken: Broken, now: datetime) -> Sequence[str]:
    status = broken.status if isinstance(broken.status, HomeStatus) else HomeStatus()
    node, used = status.node or NONE, age(status.last_used_at, now)
    return (broken.name, NONE, NONE, node, phase_of(broken), NONE, used, NONE)
