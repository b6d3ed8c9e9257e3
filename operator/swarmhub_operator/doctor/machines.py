"""The nodes themselves: are they up, are their clocks right, is there room on their disks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from swarmhub_operator.decide.probes import Disk, Probe
from swarmhub_operator.doctor.facts import Facts, Missing
from swarmhub_operator.doctor.finding import Check, Finding, Verdict, ok, unknown
from swarmhub_operator.doctor.network import PROBE_STEP, hostname, silent_nodes
from swarmhub_operator.doctor.storage import of_kinds, told
from swarmhub_operator.engine.observed import Task, TaskState

_SKEW: Final = 5.0  # seconds that are worth a look
_FAR: Final = 60.0  # seconds with which certificates and tokens begin to fail
_LATE: Final = 15.0  # seconds that a report may take: not every one of them is the clock's
_FULL: Final = 0.1  # share of the disk that is free
_FILLING: Final = 0.2
_GIB: Final = 2**30
_TIME_BEGINS: Final = 2000  # year; an engine that tells no time is read as 1970
_CLOCK_STEP: Final = "On that node, `timedatectl` shows whether its clock is kept; set up chrony."


def nodes(facts: Facts) -> tuple[Finding, ...]:
    """Tell which nodes are down, as `status` does."""
    found = facts.store
    if isinstance(found, Missing) or not found.nodes:
        return _by_engine(facts)
    wrong = of_kinds(found.troubles, "Node")
    if wrong:
        return tuple(told(Check.NODES, trouble) for trouble in wrong)
    return ok(Check.NODES, f"No node is down ({len(found.nodes)}).")


def _by_engine(facts: Facts) -> tuple[Finding, ...]:
    """Without what an operator saw it is known who is down, and not who waits for them."""
    seen = facts.swarm.nodes
    if isinstance(seen, Missing):
        return unknown(Check.NODES, "Not known, since neither the store nor the engine tells.")
    down = [n.hostname for n in seen if n.state == "down"]
    if not down:
        return ok(Check.NODES, f"No node is down ({len(seen)}).")
    remedy = "Bring the machine or its engine back: what waits for it then starts by itself."
    return tuple(
        Finding(Check.NODES, Verdict.FAILED, f"{name} is down.", remedy=remedy, subject=name)
        for name in sorted(down)
    )


def clock(facts: Facts) -> tuple[Finding, ...]:
    """Judge the nodes' clocks: by what they told, or else by the times in their tasks.

    A task's `Status.Timestamp` is the node's, its `UpdatedAt` the manager's a moment later.
    """
    seen = facts.swarm.nodes
    if isinstance(seen, Missing):
        return unknown(Check.CLOCK, f"Not known, since no node can be listed: {seen.clause}.")
    tasks = facts.swarm.tasks
    lags = _lags(() if isinstance(tasks, Missing) else tasks)
    probes = {} if isinstance(facts.probes, Missing) else facts.probes
    found: list[Finding] = []
    silent = []
    for node in seen:
        probe = probes.get(node.id)
        if isinstance(probe, Probe):
            found += _probed(node.hostname, probe.skew)
        elif node.id in lags:
            found += _reported(node.hostname, lags[node.id])
        else:
            silent.append(node.hostname)
    if silent:
        what = f"Not known of {', '.join(sorted(silent))}: no task there tells."
        found += unknown(Check.CLOCK, what, PROBE_STEP)
    return tuple(found) or ok(Check.CLOCK, f"The nodes' clocks agree ({len(seen)}).")


def _lags(tasks: Iterable[Task]) -> dict[str, list[float]]:
    """Return by how much each task's report came late, by node; below zero: before it was made."""
    found: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        if task.state is not TaskState.RUNNING or task.desired_state != "running":
            continue  # what is to end was changed by a manager since
        if task.node_id and task.updated_at and task.changed_at.year >= _TIME_BEGINS:
            found[task.node_id].append((task.updated_at - task.changed_at).total_seconds())
    return found


def _probed(node: str, skew: float) -> list[Finding]:
    if abs(skew) < _SKEW:
        return []
    side = "ahead of" if skew > 0 else "behind"
    what = f"The clock of {node} is {abs(skew):.0f} s {side} this machine's."
    return [_skewed(node, what, Verdict.FAILED if abs(skew) >= _FAR else Verdict.WARNING)]


def _reported(node: str, lags: list[float]) -> list[Finding]:
    """Judge by reports: one from the future is proof, late ones are a sign if none came in time."""
    ahead, behind = -min(lags), min(lags)
    if ahead >= _SKEW:
        what = f"The clock of {node} is at least {ahead:.0f} s ahead of the managers'."
        return [_skewed(node, what, Verdict.FAILED if ahead >= _FAR else Verdict.WARNING)]
    if behind < _LATE:
        return []
    what = f"The clock of {node} seems to be {behind:.0f} s behind the managers'."
    found = _skewed(node, what, Verdict.WARNING)
    sure = f"If it was not cut off when its servers started: {found.remedy} {PROBE_STEP}"
    return [Finding(found.check, found.verdict, what, found.why, sure, node)]


def _skewed(node: str, what: str, verdict: Verdict) -> Finding:
    why = "Logs do not fit together, and with a minute's difference certificates and tokens fail."
    return Finding(Check.CLOCK, verdict, what, why, _CLOCK_STEP, node)


def disk(facts: Facts) -> tuple[Finding, ...]:
    """Judge the room on the disk of the state, and on those of the nodes that were asked."""
    found: list[Finding] = []
    if not isinstance(facts.state_disk, Missing):
        found += _of_disk("the state database", facts.state_disk)
    else:
        found += unknown(Check.DISK, f"Not known of the state database: {facts.state_disk.clause}.")
    probes = facts.probes
    if isinstance(probes, Missing):
        what = f"Not known of the disks of the nodes: {probes.clause}."
        return (*found, *unknown(Check.DISK, what, PROBE_STEP))
    asked = {i: p for i, p in probes.items() if isinstance(p, Probe)}
    for ident, probe in asked.items():
        node = hostname(facts, ident)
        if probe.sight.disk is None:
            found += unknown(Check.DISK, f"Not known of {node}: its file system does not tell.")
        else:
            found += _of_disk(node, probe.sight.disk)
    silent = silent_nodes(facts, probes)
    if silent:
        found += unknown(Check.DISK, f"Not known of {silent}.")
    return tuple(found) or ok(Check.DISK, f"There is room on the disks ({len(asked)} nodes asked).")


def _of_disk(where: str, found: Disk) -> list[Finding]:
    share = found.free / found.total if found.total else 0.0
    if share > _FILLING:
        return []
    left = f"{found.free / _GIB:.1f} of {found.total / _GIB:.1f} GiB"
    what = f"The disk of {where} is nearly full: {left} are free ({share:.0%})."
    if where == "the state database":
        why = "When it is full nothing can be written down: no start, no stop, no login."
        remedy = (
            "Free some space on this node; `docker system df` shows what images and volumes take."
        )
    else:
        why = "When it is full servers there cannot save, and images cannot be pulled."
        remedy = f"`swarmhub homes --node {where} --size` shows the homes, to move or prune some."
    verdict = Verdict.FAILED if share <= _FULL else Verdict.WARNING
    return [Finding(Check.DISK, verdict, what, why, remedy, where)]
