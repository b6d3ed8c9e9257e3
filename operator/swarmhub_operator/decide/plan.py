"""The decision: from what is wanted and what was seen to what is to be done. Pure.

A notebook falls into the first bucket that fits: held, deleted, stopped, refused, settled, missing,
outdated, drifted; else its service is right and its newest task tells the rest (`follow`).
Waiting and giving up are decisions too: they end in a status with a reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from swarmhub_crds.base import ConditionStatus, find_condition
from swarmhub_crds.notebook import ConditionType, Desired, NotebookStatus, Phase

from swarmhub_operator.decide import actions, sentences, terms
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.decide.admission import refusal
from swarmhub_operator.decide.behind import hold
from swarmhub_operator.decide.build import Placement, Wanted, secret_name, service_spec, spec_hash
from swarmhub_operator.decide.drift import drift
from swarmhub_operator.decide.ending import await_end
from swarmhub_operator.decide.follow import follow
from swarmhub_operator.decide.housing import adoptions, unhoused
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.place import impossible
from swarmhub_operator.decide.placing import (
    Trouble,
    choose,
    pin,
    settles,
    standing_pin,
    trouble,
    waiting,
    wish,
)
from swarmhub_operator.decide.quota import excess, of_spec
from swarmhub_operator.decide.renewing import Seen
from swarmhub_operator.decide.settling import resettle
from swarmhub_operator.decide.verdict import SLOW, SOON, Verdict, failed, fresh, mark, pending
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service

# Seconds between two words to somebody in the line of starts: more, the farther it is to the front.
PER_PLACE = 1.0
LONGEST_IN_LINE = 10.0
REPAIR_EVERY = 5.0  # seconds: somebody who always changes it back shall not restart it at will


def plan(wanted: Wanted, observed: Observed, context: Context) -> Verdict:
    """Decide what is to be done for one notebook."""
    return hold(wanted, observed, context.now) or _decide(wanted, observed, context)


def _decide(wanted: Wanted, observed: Observed, context: Context) -> Verdict:
    if wanted.notebook.metadata.deletion_requested_at is not None:
        return _delete(wanted, observed, context)
    if wanted.spec.desired is Desired.STOPPED:
        return _stop(wanted, observed, context)
    status = wanted.notebook.status
    if status.observed_generation != wanted.notebook.metadata.generation or was_unreadable(status):
        status = fresh(wanted)
    if status.phase in (Phase.FAILED, Phase.STOPPED):
        return Verdict(status)
    service = observed.service
    if service is None:
        return _start(wanted, observed, status, context)
    if _is_outdated(service, wanted):
        return _replace(service, status, context.now)
    return _keep(wanted, observed, service, status, context)


def was_unreadable(status: NotebookStatus) -> bool:
    """Tell whether the status only says that the record could not be read, which now can."""
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
    why = _refusal(wanted, observed, context)
    if why:
        return failed(status, ConditionType.ACCEPTED, "Refused", why, context.now)
    why = excess(of_spec(wanted.spec, context.policy), observed.taken, context.policy.quotas)
    if why:
        return failed(status, ConditionType.ACCEPTED, "QuotaExceeded", why, context.now)
    status = mark(status, ConditionType.ACCEPTED, True, "Accepted", "", context.now)
    why = impossible(wish(wanted, observed.holders), observed.nodes.values())
    if why:
        return failed(status, ConditionType.SCHEDULED, "InsufficientResources", why, context.now)
    if any(m.home for m in wanted.spec.mounts):
        elsewhere = _at_home(wanted, observed, status, context.now)
        if elsewhere is not None:
            return elsewhere
        status = mark(status, ConditionType.HOME_READY, True, "NodeReady", "", context.now)
    grace = wanted.spec.container.stop_grace
    waiting = await_end(observed, status, context.now, grace)
    return waiting or _create(wanted, observed, status, context)


def _refusal(wanted: Wanted, observed: Observed, context: Context) -> str | None:
    return refusal(wanted.spec, context.policy, context.network, observed.owners)


def _create(
    wanted: Wanted, observed: Observed, status: NotebookStatus, context: Context
) -> Verdict:
    """Make the service once it is known where its home will be and its turn has come."""
    chosen: str | None = None
    if settles(wanted):
        choice = choose(wanted, observed, context.now)
        if choice.node is None:
            return waiting(pin(wanted), observed.nodes, choice.explain(), status, context.now)
        chosen = choice.node.id
    if observed.place:
        return in_line(status, observed.place, context.now)
    secret: tuple[Action, ...] = ()
    name = secret_name(wanted.notebook)
    if name and name not in {s.name for s in observed.secrets}:
        secret = (actions.CreateSecret(name),)
    placement = Placement(
        image=observed.image or wanted.spec.image,
        pin=chosen,
        force_update=status.restarts,
        terms=terms.of(wanted.spec, context.policy),
    )
    status = pending(status, "Creating the service.", context.now)
    status = status.model_copy(update={"task_id": None})
    return Verdict(status, (*secret, actions.CreateService(placement)), look_again=SOON)


def in_line(status: NotebookStatus, place: int, now: datetime) -> Verdict:
    """Decide to wait for one's turn; who is next is called, the others only read their place.

    Args:
        status: of the notebook.
        place: in the line, from 1 on.
        now: the time.
    """
    again = min(LONGEST_IN_LINE, max(SLOW, place * PER_PLACE))
    return Verdict(pending(status, sentences.position(place), now), look_again=again)


def _at_home(
    wanted: Wanted, observed: Observed, status: NotebookStatus, now: datetime
) -> Verdict | None:
    """Return what is to be done before a start is sure to find its homes, or None."""
    apart = unhoused(wanted, observed, now) or trouble(wanted, observed.nodes)
    if apart:
        return _homeless(apart, status, now)
    found = adoptions(wanted, observed)
    if found:
        status = pending(status, "Its home was there already.", now)
        return Verdict(status, found, look_again=0.0)
    return None


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
        image=_image(wanted, service),
        pin=standing_pin(wanted, service, observed.task),
        force_update=service.force_update,
        supersedes=service.labels.get(labels.SUPERSEDES, ""),
        terms=terms.read(service),
    )
    strays = tuple(
        actions.RemoveService(s.id, "a second service of one notebook") for s in observed.strays
    )
    # Last, since one that a changed service still uses cannot be removed.
    secrets: tuple[Action, ...] = tuple(
        actions.RemoveSecret(s.id, s.name)
        for s in observed.secrets
        if s.name != name and s.id != service.mounted_secret
    )
    secret_id = current.get(name or "") or service.mounted_secret
    changed = drift(service_spec(wanted, placement, secret_id), service.spec)
    unnoted = changed == (f"Labels.{labels.RECORD}",)
    tampered = bool(changed) and not unnoted
    why = _refusal(wanted, observed, context) if tampered else None
    if tampered and not why:
        verdict = _repair(observed, service, status, placement, changed)
    else:
        seen = Seen(service, placement, observed)
        verdict = resettle(wanted, seen, status, context) or follow(wanted, seen, status, context)
    if any(isinstance(action, actions.UpdateService) for action in verdict.actions):
        why = why or _refusal(wanted, observed, context)
        if why:
            return failed(status, ConditionType.ACCEPTED, "Refused", why, context.now)
    elif tampered and why and verdict.status.phase not in (Phase.STOPPED, Phase.FAILED):
        verdict = _left_changed(verdict, why)
    elif unnoted and observed.since_repair >= REPAIR_EVERY:
        secrets = (*_note(wanted, Seen(service, placement, observed), context), *secrets)
    return Verdict(verdict.status, (*strays, *verdict.actions, *secrets), verdict.look_again)


def _left_changed(verdict: Verdict, why: str) -> Verdict:
    """Let a server run on that a new policy no longer allows, changed as it is."""
    message = f"Its service was changed by someone else, and is not put right: {why}"
    return replace(verdict, status=verdict.status.model_copy(update={"message": message}))


def _note(wanted: Wanted, seen: Seen, context: Context) -> tuple[Action, ...]:
    """Write the record on a service that was made before that was done; its task stays."""
    service, placement = seen.service, seen.placement
    if _refusal(wanted, seen.observed, context):
        return ()
    placement = replace(placement, pin=service.pin)
    why = "to note its record on it"
    return (actions.UpdateService(service.id, service.version, placement, why, repair=True),)


def _image(wanted: Wanted, service: Service) -> str:
    """Return the image that the service was made with; its label may have been lost."""
    runs = service.image
    by_digest = runs if runs.startswith(f"{wanted.spec.image}@sha256:") else wanted.spec.image
    return service.labels.get(labels.IMAGE) or by_digest


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
