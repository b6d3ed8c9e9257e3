"""The store: can it be used, is its schema right, who acts on it, and does it lie in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from swarmhub_crds.errors import Reason

from swarmhub_operator.doctor.facts import Facts, Missing, StoreFacts, Trouble
from swarmhub_operator.doctor.finding import Check, Finding, Verdict, named, ok, unknown
from swarmhub_operator.engine.observed import Service, Task, TaskState

STATE_LABEL: Final = "swarmhub.state"  # of the node that holds the state
_STATE_VOLUME: Final = "_state"  # end of the volume's name, after the stack's
_PARTS: Final = ("_hub", "_operator")  # ends of the names of the services that use the state
_SCHEMAS: Final = (Reason.SCHEMA_TOO_OLD, Reason.SCHEMA_TOO_NEW)
_AHEAD: Final = 5.0  # seconds by which the lease may lie in the future


def store(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether the store can be used at all."""
    found = facts.store
    if not isinstance(found, Missing):
        return ok(Check.STORE, f"The store can be read (uid {found.uid}).")
    if found.kind in _SCHEMAS:
        return unknown(Check.STORE, "Its content is not known, since its schema is another one.")
    what, _, remedy = found.why.partition("; ")
    remedy = remedy or "docs/troubleshooting.md tells what may be done about it."
    why = "Nothing new is started or stopped while the store cannot be used; what runs goes on."
    return (Finding(Check.STORE, Verdict.FAILED, _sentence(what), why, _sentence(remedy)),)


def schema(facts: Facts) -> tuple[Finding, ...]:
    """Judge the version of the store's schema."""
    found = facts.store
    if not isinstance(found, Missing):
        return ok(
            Check.SCHEMA, f"The schema of the store is the one of this version ({found.schema})."
        )
    if found.kind not in _SCHEMAS:
        return unknown(Check.SCHEMA, "Not known, since the store cannot be read.")
    what, _, remedy = found.why.partition("; ")
    why = "Programs of this version do not touch a store of another one."
    return (Finding(Check.SCHEMA, Verdict.FAILED, _sentence(what), why, _sentence(remedy)),)


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def lease(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether an operator acts: what `status` says, and whether the clock went back."""
    found = facts.store
    if isinstance(found, Missing):
        return unknown(Check.LEASE, "Not known, since the store cannot be read.")
    wrong = of_kinds(found.troubles, "Operator")
    if wrong:
        return tuple(told(Check.LEASE, trouble) for trouble in wrong)
    renewed = found.renewed_at
    ahead = (renewed - facts.now).total_seconds() if renewed else 0.0
    if ahead > _AHEAD:
        what = f"The lease was renewed {ahead:.0f} s from now, by this machine's clock."
        why = "The clock of this machine or of the operator's was set, or runs wrong."
        remedy = "`timedatectl` shows whether a clock is kept; set up chrony or systemd-timesyncd."
        return (Finding(Check.LEASE, Verdict.FAILED, what, why, remedy),)
    return ok(Check.LEASE, "An operator holds the lease and renews it.")


def records(facts: Facts) -> tuple[Finding, ...]:
    """Count what `status` finds wrong with notebooks, homes and what has no record."""
    found = facts.store
    if isinstance(found, Missing):
        return unknown(Check.RECORDS, "Not known, since the store cannot be read.")
    wrong = of_kinds(found.troubles, "Notebook", "Home", "Held")
    serious = [t for t in wrong if t.needs_person]
    if not wrong:
        return ok(Check.RECORDS, "Nothing is wrong with notebooks and homes.")
    verdict = Verdict.FAILED if serious else Verdict.WARNING
    names = named(f"{t.kind.lower()} {t.name}" for t in serious or wrong)
    what = f"Something is wrong with {len(wrong)} of what the store holds: {names}."
    return (Finding(Check.RECORDS, verdict, what, remedy="`swarmhub status` tells each."),)


def of_kinds(troubles: Iterable[Trouble], *kinds: str) -> list[Trouble]:
    """Return those of some kinds."""
    return [trouble for trouble in troubles if trouble.kind in kinds]


def told(check: Check, trouble: Trouble) -> Finding:
    """Return what `status` says as a finding."""
    verdict = Verdict.FAILED if trouble.needs_person else Verdict.WARNING
    subject = "" if check is Check.LEASE else trouble.name
    return Finding(check, verdict, trouble.message, remedy=trouble.next_step, subject=subject)


def state(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether the state lies on one node, which SQLite's WAL needs of who shares it."""
    labelled = _labelled(facts)
    if isinstance(labelled, Missing):
        return unknown(Check.STATE, f"Not known, since no node can be listed: {labelled.clause}.")
    found = [*_of_label(labelled), *_of_parts(facts), *_of_volumes(facts, labelled)]
    return tuple(found) or ok(Check.STATE, f"The state is on one node, {labelled[0]}.")


def _labelled(facts: Facts) -> list[str] | Missing:
    """Return the nodes with the label; without the engine those that an operator saw so last."""
    nodes = facts.swarm.nodes
    if isinstance(nodes, Missing):
        seen = facts.store.nodes if isinstance(facts.store, StoreFacts) else ()
        if not seen:
            return nodes
        return sorted(n.hostname for n in seen if n.labels.get(STATE_LABEL) == "true")
    return sorted(n.hostname for n in nodes if n.labels.get(STATE_LABEL) == "true")


def _of_label(labelled: Sequence[str]) -> list[Finding]:
    if len(labelled) == 1:
        return []
    if not labelled:
        what = f"No node has the label {STATE_LABEL}=true."
        why = "Hub and operator are placed by it, and do not start anywhere without."
        remedy = (
            f"`docker node update --label-add {STATE_LABEL}=true NODE`, the node with the state."
        )
    else:
        what = f"{len(labelled)} nodes have the label {STATE_LABEL}=true: {named(labelled)}."
        why = "Hub and operator may start on either, with an empty state or each with its own."
        remedy = (
            f"`docker node update --label-rm {STATE_LABEL} NODE` on all but the one with the state."
        )
    return [Finding(Check.STATE, Verdict.FAILED, what, why, remedy)]


def _of_parts(facts: Facts) -> list[Finding]:
    """Say so if hub and operator run on different nodes."""
    services, tasks, nodes = facts.swarm.services, facts.swarm.tasks, facts.swarm.nodes
    if isinstance(services, Missing) or isinstance(tasks, Missing) or isinstance(nodes, Missing):
        return []
    hostnames = {n.id: n.hostname for n in nodes}
    parts = {s.id: s.name for s in services if s.name.endswith(_PARTS) and _mounts_state(s)}
    places = {
        (parts[t.service_id], hostnames.get(t.node_id or "", t.node_id or ""))
        for t in tasks
        if t.service_id in parts and _runs(t)
    }
    if len({node for _, node in places}) < 2:  # noqa: PLR2004
        return []
    where = ", ".join(f"{name} on {node}" for name, node in sorted(places))
    what = f"What uses the state runs on different nodes: {where}."
    why = "Each has a store of its own: what the hub writes down, the operator never sees."
    remedy = f"Leave the label {STATE_LABEL}=true to one node alone, then run `make up` on it."
    return [Finding(Check.STATE, Verdict.FAILED, what, why, remedy)]


def _mounts_state(service: Service) -> bool:
    return any(volume.endswith(_STATE_VOLUME) for volume in service.volumes)


def _runs(task: Task) -> bool:
    return task.state is TaskState.RUNNING and task.desired_state == "running"


def _of_volumes(facts: Facts, labelled: Sequence[str]) -> list[Finding]:
    """Say so if another node told of a volume of that name."""
    if not isinstance(facts.store, StoreFacts) or len(labelled) != 1:
        return []
    others = {
        f"{volume.name} on {told.node}"
        for told in facts.store.inventories
        for volume in told.volumes
        if volume.name == "swarmhub_state" and told.node not in labelled
    }
    if not others:
        return []
    what = f"There is another volume of the state: {named(others)}."
    why = f"It is not in use while {labelled[0]} has the state, and would be if the label moved."
    remedy = "Keep it if it is a state of old, else `docker volume rm swarmhub_state` on that node."
    return [Finding(Check.STATE, Verdict.WARNING, what, why, remedy)]
