"""The decision: from what is wanted and what was seen to what is to be done. Pure.

A notebook falls into the first bucket that fits: deleted, stopped, refused, settled, missing,
outdated, drifted; else its service is right and its newest task tells the rest (`follow`).
Waiting and giving up are decisions too: they end in a status with a reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from swarmhub_crds.base import ConditionStatus, find_condition
from swarmhub_crds.notebook import ConditionType, Desired, NotebookStatus, Phase

from swarmhub_operator.decide import actions, sentences
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.decide.admission import refusal
from swarmhub_operator.decide.build import Placement, Wanted, secret_name, service_spec, spec_hash
from swarmhub_operator.decide.capacity import impossible
from swarmhub_operator.decide.drift import drift
from swarmhub_operator.decide.follow import Seen, follow
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.placing import Trouble, pin, trouble
from swarmhub_operator.decide.verdict import SLOW, SOON, Verdict, failed, fresh, mark, pending
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service

REPAIR_EVERY = 5.0  # seconds: somebody who always changes it back shall not restart it at will


def plan(wanted: Wanted, observed: Observed, context: Context) -> Verdict:
    """Decide what is to be done for one notebook."""
    if wanted.notebook.metadata.deletion_requested_at is not None:
        return _delete(wanted, observed, context)
    if wanted.spec.desired is Desired.STOPPED:
        return _stop(wanted, observed, context)
    status = wanted.notebook.status
    if status.observed_generation != wanted.notebook.metadata.generation or _was_unreadable(status):
        status = fresh(wanted)
    if status.phase in (Phase.FAILED, Phase.STOPPED):
        return Verdict(status)
    service = observed.service
    if service is None:
        return _start(wanted, observed, status, context)
    if _is_outdated(service, wanted):
        return _replace(service, status, context.now)
    return _keep(wanted, observed, service, status, context)


def _was_unreadable(status: NotebookStatus) -> bool:
    """Whether the status only says that the record, which is being read now, could not be read."""
    valid = find_condition(status.conditions, ConditionType.VALID)
    return valid is not None and valid.status is ConditionStatus.FALSE


def _is_outdated(service: Service, wanted: Wanted) -> bool:
    """Whether the service was made for another record of this name or an earlier start of it."""
    own = service.labels.get(labels.UID) == wanted.notebook.metadata.uid
    return not own or service.labels.get(labels.SPEC_HASH) != spec_hash(wanted.notebook)


def _delete(wanted: Wanted, observed: Observed, context: Context) -> Verdict:
    verdict = _stop(wanted, observed, context)
    if observed.service is not None or observed.strays:
        return verdict
    homes = tuple(m.volume for m in wanted.spec.mounts if m.home)
    ending: tuple[Action, ...] = (actions.ReleaseHomes(homes), actions.RemoveRecord())
    return Verdict(verdict.status, (*verdict.actions, *ending), act_first=True)


def _stop(wanted: Wanted, observed: Observed, context: Context) -> Verdict:
    old = wanted.notebook.status
    generation = wanted.notebook.metadata.generation
    services = (*((observed.service,) if observed.service else ()), *observed.strays)
    if services:
        status = old
        if old.phase is not Phase.FAILED:
            update = {"observed_generation": generation, "phase": Phase.STOPPING}
            status = mark(old, ConditionType.READY, False, "Stopping", "", context.now)
            status = status.model_copy(update={**update, "address": None})
        removals = tuple(actions.RemoveService(s.id, "stopped") for s in services)
        return Verdict(status, removals, look_again=0.0)
    secrets: tuple[Action, ...] = tuple(
        actions.RemoveSecret(s.id, s.name) for s in observed.secrets
    )
    status = _stopped(old, generation, context.now)
    if status != old and wanted.spec.secret_digest:
        secrets = (*secrets, actions.EraseSecretEnvironment(generation))
    return Verdict(status, secrets, act_first=True)


def _stopped(old: NotebookStatus, generation: int, now: datetime) -> NotebookStatus:
    """A failure stays readable after the hub has taken note of it and stopped the notebook."""
    gave_up = old.phase is Phase.FAILED
    status = old.model_copy(
        update={
            "observed_generation": generation,
            "phase": Phase.FAILED if gave_up else Phase.STOPPED,
            "message": old.message if gave_up else "",
            "service_id": None,
            "task_id": None,
            "address": None,
            "next_restart_at": None,
        }
    )
    return mark(status, ConditionType.READY, False, "Stopped", "", now)


def _start(wanted: Wanted, observed: Observed, status: NotebookStatus, context: Context) -> Verdict:
    why = refusal(wanted.spec, context.policy, context.network)
    if why:
        return failed(status, ConditionType.ACCEPTED, "Refused", why, context.now)
    status = mark(status, ConditionType.ACCEPTED, True, "Accepted", "", context.now)
    why = impossible(wanted.spec.resources, observed.nodes.values())
    if why:
        return failed(status, ConditionType.SCHEDULED, "InsufficientResources", why, context.now)
    if any(m.home for m in wanted.spec.mounts):
        apart = trouble(wanted, observed.nodes)
        if apart:
            return _homeless(apart, status, context.now)
        status = mark(status, ConditionType.HOME_READY, True, "NodeReady", "", context.now)
    if observed.place:
        message = sentences.position(observed.place)
        return Verdict(pending(status, message, context.now), look_again=SLOW)
    secret: tuple[Action, ...] = ()
    name = secret_name(wanted.notebook)
    if name and name not in {s.name for s in observed.secrets}:
        secret = (actions.CreateSecret(name),)
    placement = Placement(
        image=observed.image or wanted.spec.image,
        pin=pin(wanted),
        force_update=status.restarts,
    )
    status = pending(status, "Creating the service.", context.now)
    status = status.model_copy(update={"task_id": None})
    return Verdict(status, (*secret, actions.CreateService(placement)), look_again=0.0)


def _homeless(apart: Trouble, status: NotebookStatus, now: datetime) -> Verdict:
    if apart.final:
        return failed(status, ConditionType.HOME_READY, apart.reason, apart.message, now)
    status = mark(status, ConditionType.HOME_READY, False, apart.reason, apart.message, now)
    return Verdict(pending(status, apart.message, now), look_again=SLOW)


def _replace(service: Service, status: NotebookStatus, now: datetime) -> Verdict:
    """Remove a service of an earlier start; the next look finds none and makes the new one."""
    status = pending(status, "Replacing the server of an earlier start.", now)
    return Verdict(status, (actions.RemoveService(service.id, "outdated"),), look_again=0.0)


def _keep(
    wanted: Wanted,
    observed: Observed,
    service: Service,
    status: NotebookStatus,
    context: Context,
) -> Verdict:
    current = {s.name: s.id for s in observed.secrets}
    name = secret_name(wanted.notebook)
    placement = Placement(
        image=service.labels.get(labels.IMAGE) or wanted.spec.image,
        pin=pin(wanted),
        force_update=service.force_update,
        supersedes=service.labels.get(labels.SUPERSEDES, ""),
    )
    strays = tuple(
        actions.RemoveService(s.id, "a second service of one notebook") for s in observed.strays
    )
    # Last, since one that a changed service still uses cannot be removed.
    secrets = tuple(
        actions.RemoveSecret(s.id, s.name)
        for s in observed.secrets
        if s.name != name and s.id != service.mounted_secret
    )
    secret_id = current.get(name or "") or service.mounted_secret
    changed = drift(service_spec(wanted, placement, secret_id), service.spec)
    if changed:
        verdict = _repair(observed, service, status, placement, changed)
    else:
        verdict = follow(wanted, Seen(service, placement, observed), status, context)
    if any(isinstance(action, actions.UpdateService) for action in verdict.actions):
        why = refusal(wanted.spec, context.policy, context.network)
        if why:
            return failed(status, ConditionType.ACCEPTED, "Refused", why, context.now)
    return Verdict(verdict.status, (*strays, *verdict.actions, *secrets), verdict.look_again)


def _repair(
    observed: Observed,
    service: Service,
    status: NotebookStatus,
    placement: Placement,
    changed: tuple[str, ...],
) -> Verdict:
    if observed.since_repair < REPAIR_EVERY:
        message = "Its service is being changed by someone else again and again."
        return Verdict(status.model_copy(update={"message": message}), look_again=REPAIR_EVERY)
    new_task = any(path.startswith(("TaskTemplate", "Mode")) for path in changed)
    if new_task and observed.task:
        placement = replace(placement, supersedes=observed.task.id)
    why = "changed behind our back: " + ", ".join(changed[:5])
    update = actions.UpdateService(service.id, service.version, placement, why, repair=True)
    status = status.model_copy(
        update={"message": "Its service was changed by someone else; putting it right."}
    )
    return Verdict(status, (update,), look_again=SOON)
