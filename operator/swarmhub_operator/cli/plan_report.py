"""The form of what `plan` reports; its JSON is documented in docs/cli.md and kept stable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from swarmhub_crds.base import API_VERSION, Model
from swarmhub_crds.notebook import Notebook

from swarmhub_operator.cli.records import name_of, phase_of
from swarmhub_operator.decide import actions
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.decide.build import Placement
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.loop.foresight import Forecast, Step


class PlannedField(Model):
    """One field of a service's spec before and after; None: it is not there."""

    path: str
    old: str | None
    new: str | None


class PlannedAction(Model):
    """One thing that would be done."""

    action: str
    target: str
    reason: str
    changes: tuple[PlannedField, ...]


class PlannedStatus(Model):
    """What would be written about it."""

    phase: str
    message: str


class Planned(Model):
    """One notebook; `status` is None if it stays."""

    name: str
    user: str | None
    server: str | None
    phase: str
    message: str
    actions: tuple[PlannedAction, ...]
    status: PlannedStatus | None
    unknown: tuple[str, ...]


class Plan(Model):
    """All of `plan`."""

    api_version: Literal["swarmhub/v1"] = API_VERSION
    kind: Literal["Plan"] = "Plan"
    changes: bool
    notebooks: tuple[Planned, ...]
    without_record: tuple[str, ...]


def plan_of(
    forecasts: Iterable[Forecast], without_record: tuple[str, ...], nodes: Iterable[Node]
) -> Plan:
    """Return forecasts in the form that is shown."""
    told = tuple(forecasts)
    hosts = {node.id: node.hostname for node in nodes}
    return Plan(
        changes=any(one.does_something for one in told),
        notebooks=tuple(_planned(one, hosts) for one in told),
        without_record=without_record,
    )


def _planned(forecast: Forecast, hosts: dict[str, str]) -> Planned:
    record, status = forecast.record, forecast.status
    known = record if isinstance(record, Notebook) else None
    return Planned(
        name=name_of(record),
        user=known.spec.user if known else None,
        server=known.spec.server if known else None,
        phase=phase_of(record),
        message=forecast.held or (known.status.message if known else ""),
        actions=tuple(_action(step, hosts) for step in forecast.steps),
        status=PlannedStatus(phase=status.phase, message=status.message) if status else None,
        unknown=forecast.unknown,
    )


def _action(step: Step, hosts: dict[str, str]) -> PlannedAction:
    return PlannedAction(
        action=type(step.action).__name__,
        target=step.target,
        reason=_reason(step.action, hosts),
        changes=tuple(PlannedField(path=c.path, old=c.old, new=c.new) for c in step.changes),
    )


_REASONS: Final[dict[type[Action], str]] = {
    actions.CreateSecret: "its token and other secret variables are on no secret yet",
    actions.RemoveSecret: "no service of it needs it",
    actions.EraseSecretEnvironment: "it has stopped: its secrets go from the store, too",
    actions.ReleaseHomes: "it was deleted: what no other notebook mounts has lost its user",
    actions.RemoveRecord: "it was deleted, and nothing is left of it",
}


def _reason(action: Action, hosts: dict[str, str]) -> str:
    """Return why it is done, or what of it is not said by its name."""
    match action:
        case actions.CreateService(placement):
            return f"it should run and has none: {_where(placement, hosts)}"
        case actions.UpdateService() | actions.RemoveService():
            return action.why
        case actions.AdoptHome(_, node, own):
            whose = "its own volume" if own else "a volume of its name"
            return f"{whose} is on {node.hostname} already"
        case _:
            return _REASONS[type(action)]


def _where(placement: Placement, hosts: dict[str, str]) -> str:
    node = hosts.get(placement.pin or "", placement.pin)
    return f"{placement.image} on {node}" if node else f"{placement.image} where Swarm has room"
