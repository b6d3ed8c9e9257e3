"""`swarmhub plan`: what the operator would do now, as a diff, with nothing touched."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.completing import complete_notebook
from swarmhub_operator.cli.errors import failing_with
from swarmhub_operator.cli.health import operator_problem, operator_report
from swarmhub_operator.cli.options import (
    DockerHost,
    ForPrograms,
    StateUrl,
    clock,
    engine_at,
    opened,
)
from swarmhub_operator.cli.plan_report import (
    Plan,
    Planned,
    PlannedAction,
    PlannedField,
    plan_of,
)
from swarmhub_operator.cli.records import Kind, find_record, name_of, notebook_word
from swarmhub_operator.cli.text import safe
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.foresight import Foresight
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL, read

DIFFERENT: Final = 1  # exit codes as `kubectl diff` has them
FAILED: Final = 2

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="A notebook's name; if none has it, USER or USER/SERVER. Without one: all.",
        autocompletion=complete_notebook,
        show_default=False,
    ),
]


def plan(
    name: Name = None,
    form: ForPrograms = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
) -> None:
    """Show what the operator would do now, as a diff; nothing is touched.

    The exit code is 0 if it would do nothing, 1 if something, 2 if that cannot be told.
    """
    with failing_with(FAILED), opened(state_url) as store:
        found = _plan(store, name, docker_host)
        _warn_without_operator(store)
    if form is None:
        for line in _lines(found, all_of_it=name is None):
            output.write(line)
    else:
        output.write(output.document(found.model_dump(mode="json", by_alias=True), form))
    if found.changes:
        raise typer.Exit(DIFFERENT)


def _plan(store: Store, name: str | None, docker_host: str) -> Plan:
    only = None
    if name is not None:
        only = {name_of(find_record(store, Kind.NOTEBOOK, notebook_word(name)))}
    return planned(store, engine_at(docker_host, reads_only=True), only)


def planned(store: Store, engine: Engine, only: set[str] | None = None) -> Plan:
    """Return what the operator would do now for the notebooks of these names; None: for all.

    Raises:
        StoreError: the store cannot be read.
        EngineError: the engine cannot be asked.
        SettingsError: a setting of the operator is wrong.
    """
    sight = Foresight(store, engine, read(), clock())
    return plan_of(sight.tell(only), sight.without_record() if only is None else (), sight.nodes())


def _warn_without_operator(store: Store) -> None:
    now = clock()
    wrong = operator_problem(
        operator_report(store.read_lease(), store.operator_seen_at(), now), now
    )
    if wrong is not None:
        output.warn(f"{safe(wrong.message)} The plan is what one would do.")


def _lines(found: Plan, *, all_of_it: bool) -> list[str]:
    shown = [n for n in found.notebooks if not all_of_it or n.actions or n.status]
    lines = [line for one in shown for line in _of_one(one)]
    if not all_of_it:
        return lines
    total = len(found.notebooks)
    if found.without_record:
        count = len(found.without_record)
        lines.append(f"Services without a record: {count}; `swarmhub gc` tells what is kept.")
    if not shown:
        return [*lines, f"Nothing to do; notebooks looked at: {total}."]
    return [*lines, f"Something to do for {len(shown)} of {total} notebooks."]


def _of_one(one: Planned) -> list[str]:
    lines = [f"notebook/{safe(one.name)}: {output.paint(one.phase, one.phase)}"]
    for action in one.actions:
        lines += _of_action(action)
    if one.status is not None:
        phase, said = one.status.phase, safe(one.status.message)
        lines.append(f"  status: {output.paint(phase, phase)}{f' ({said})' if said else ''}")
    if not one.actions and one.status is None:
        lines.append(f"  nothing to do{f': {safe(one.message)}' if one.message else ''}")
    if one.unknown:
        lines.append(f"  not known here: {'; '.join(one.unknown)}.")
    return lines


def _of_action(action: PlannedAction) -> list[str]:
    lines = [f"  {action.action} {safe(action.target)}: {safe(action.reason)}"]
    if action.action != "UpdateService":  # what is made is all new; -o json has it
        return lines
    return lines + [line for change in action.changes for line in _of_field(change)]


def _of_field(field: PlannedField) -> list[str]:
    sides = (("-", field.old), ("+", field.new))
    return [
        output.paint(f"    {sign} {safe(field.path)}: {safe(value)}", sign)
        for sign, value in sides
        if value is not None
    ]
