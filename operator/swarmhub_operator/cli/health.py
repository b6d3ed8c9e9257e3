"""What `status` reports: counted, judged and with a next step for whatever is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from shlex import quote
from typing import Final

from swarmhub_crds.held import Held, Why
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_crds.sqlstore.sqlite import path_of
from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION
from swarmhub_crds.store import Broken, Lease, Store

from swarmhub_operator.cli.imagestate import count_images, image_problem
from swarmhub_operator.cli.labels import selected
from swarmhub_operator.cli.nodehealth import count_nodes, node_problem
from swarmhub_operator.cli.records import Record, kind_of, name_of, phase_of
from swarmhub_operator.cli.report import (
    Count,
    OperatorReport,
    OperatorState,
    Problem,
    Report,
    StoreReport,
)
from swarmhub_operator.cli.selector import Selector
from swarmhub_operator.cli.text import until, when
from swarmhub_operator.decide.phases import OF_HOMES, OF_NOTEBOOKS, count_phases

_OPERATOR_STEP: Final = (
    "`docker service ps swarmhub_operator` shows whether it runs and, if not, why."
)

_HELD_STEP: Final = (
    "`swarmhub state rebuild` writes records anew for what runs; `swarmhub gc` lists what is held, "
    "and `swarmhub gc --confirm ID` has one of them removed."
)


def examine(store: Store, now: datetime, selector: Selector | None = None) -> Report:
    """Read the store and judge what it holds; of notebooks and homes those that are selected.

    Raises:
        StoreError: it cannot be read.
    """
    operator = operator_report(store.read_lease(), store.operator_seen_at(), now)
    notebooks, homes = store.list_notebooks(), store.list_homes()
    held = _by_reason(store.list_held())
    nodes = store.list_nodes()
    found = [operator_problem(operator, now), *(held_problem(h, not notebooks) for h in held)]
    found += [node_problem(node, notebooks, homes, now) for node in nodes]
    notebooks, homes = selected(notebooks, selector), selected(homes, selector)
    found += [problem(record, now) for record in (*notebooks, *homes)]
    images = store.list_images()
    found += map(image_problem, images)
    problems = tuple(p for p in found if p is not None)
    return Report(
        healthy=not any(p.needs_person for p in problems),
        store=StoreReport(
            url=store.url,
            path=str(path_of(store.url)),
            uid=store.uid,
            schema_version=SCHEMA_VERSION,
            revision=store.revision(),
        ),
        operator=operator,
        nodes=count_nodes(nodes),
        notebooks=_count(notebooks, OF_NOTEBOOKS),
        homes=_count(homes, OF_HOMES),
        images=count_images(images),
        problems=problems,
    )


def _count(records: Sequence[Record], phases: Sequence[str]) -> Count:
    return Count(total=len(records), phases=count_phases(records, phases))


def operator_report(lease: Lease | None, seen: datetime | None, now: datetime) -> OperatorReport:
    """Return who acts; `seen` is when an operator last took or renewed the lease."""
    if lease is not None:
        leading = lease.expires_at > now
        return OperatorReport(
            state=OperatorState.LEADING if leading else OperatorState.EXPIRED,
            holder=lease.holder,
            last_seen_at=lease.renewed_at,
            lease_expires_at=lease.expires_at,
        )
    state = OperatorState.NEVER_SEEN if seen is None else OperatorState.RELEASED
    return OperatorReport(state=state, holder=None, last_seen_at=seen, lease_expires_at=None)


def operator_problem(operator: OperatorReport, now: datetime) -> Problem | None:
    """Return what is wrong with the operator, or None."""
    seen = when(operator.last_seen_at, now)
    messages = {
        OperatorState.EXPIRED: f"The operator {operator.holder} has not been seen since {seen}: "
        "running notebooks go on, but nothing is started, stopped or restarted.",
        OperatorState.RELEASED: f"The operator stopped at {seen} and none has followed: "
        "running notebooks go on, but nothing is started, stopped or restarted.",
        OperatorState.NEVER_SEEN: "No operator has ever been seen: nothing will be started.",
    }
    if operator.state not in messages:
        return None
    return Problem(
        kind="Operator",
        name=operator.holder or "",
        phase=operator.state,
        message=messages[operator.state],
        next_step=_OPERATOR_STEP,
        needs_person=True,
    )


def _by_reason(held: Sequence[Held]) -> list[list[Held]]:
    return [same for why in Why if (same := [one for one in held if one.why is why])]


def held_problem(held: Sequence[Held], empty: bool) -> Problem:
    """Return what is to be said of resources that are held for one reason.

    Another store's are its own business, unless this one is `empty` and may have taken its place.
    """
    why, number = held[0].why, len(held)
    name = held[0].name if number == 1 else f"{number} resources"
    other = why is Why.OTHER_STORE
    return Problem(
        kind="Held",
        name=name,
        phase=why,
        message=held[0].message,
        next_step="`swarmhub gc` lists it." if other else _HELD_STEP,
        needs_person=empty or not other,
    )


def problem(record: Record, now: datetime) -> Problem | None:
    """Return what is wrong with a record, or None."""
    if isinstance(record, Broken):
        next_step = f"{_describe(record)} shows what can still be read."
        return _problem(record, record.message, next_step)
    if isinstance(record, Home):
        return _home_problem(record)
    return _notebook_problem(record, now)


def _notebook_problem(notebook: Notebook, now: datetime) -> Problem | None:
    phase, status = phase_of(notebook), notebook.status
    if phase == Phase.FAILED:
        return _problem(
            notebook,
            status.message or "The server failed, and the operator gave no reason.",
            f"{_describe(notebook)} shows its last log lines; once the cause is gone, "
            "start the server again in the hub.",
        )
    if phase == Phase.BACK_OFF:
        again = status.next_restart_at
        comes = "" if again is None else f" {until(again, now)}"
        return _problem(
            notebook,
            status.message or "The server failed and waits for its restart.",
            f"It is restarted by itself{comes}; {_describe(notebook)} shows its log.",
            needs_person=False,
        )
    return None


def _home_problem(home: Home) -> Problem | None:
    if home.status.phase is not HomePhase.LOST:
        return None
    return _problem(
        home,
        home.status.message or "The volume of this home is gone, or its node is.",
        "Bring its node or its volume back. If there is a backup instead: `swarmhub homes forget "
        f"{quote(name_of(home))}`, start and stop the server once, then `swarmhub homes restore`; "
        f"{_describe(home)} shows where it was.",
    )


def _problem(record: Record, message: str, next_step: str, *, needs_person: bool = True) -> Problem:
    return Problem(
        kind="Home" if record.kind == "Home" else "Notebook",
        name=name_of(record),
        phase=phase_of(record),
        message=message,
        next_step=next_step,
        needs_person=needs_person,
    )


def _describe(record: Record) -> str:
    return f"`swarmhub describe {kind_of(record)} {quote(name_of(record))}`"
