"""Versions of the engines: mixed ones, and those with faults that are known to matter here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from swarmhub_operator.doctor.facts import Facts, Missing
from swarmhub_operator.doctor.finding import Check, Finding, Verdict, named, ok, unknown
from swarmhub_operator.engine.observed import Node

Version = tuple[int, ...]
Known = Sequence[tuple[Node, Version]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the engines from one version on and below another."""

    since: Version
    before: Version
    verdict: Verdict
    what: str
    remedy: str


# From the engine's changelogs and moby's issues; each with its source.
FAULTS: Final = (
    Fault(
        (0,),
        (20, 10),
        Verdict.FAILED,
        "it is older than 20.10, the oldest version that swarmhub is tested with",
        "Update the engine.",
    ),
    Fault(  # CVE-2023-28840 to 28842
        (20, 10),
        (20, 10, 24),
        Verdict.WARNING,
        "encrypted overlay networks may carry, and take, plain packets (CVE-2023-28840)",
        "Update the engine to 20.10.24 or newer.",
    ),
    Fault(
        (23, 0),
        (23, 0, 3),
        Verdict.WARNING,
        "encrypted overlay networks may carry, and take, plain packets (CVE-2023-28840)",
        "Update the engine to 23.0.3 or newer.",
    ),
    Fault(
        (28, 2),
        (28, 3),
        Verdict.FAILED,
        "names of services on other nodes come and go (moby#50129)",
        "Update the engine to 28.3 or newer.",
    ),
    Fault(
        (29, 1, 0),
        (29, 1, 1),
        Verdict.FAILED,
        "containers reach no resolver, so that no name is found (moby#51614)",
        "Update the engine to 29.1.1 or newer.",
    ),
    Fault(  # a regression of 29.0, still there in 29.6.2
        (29, 0),
        (29, 7),
        Verdict.WARNING,
        "after a node was cut off for some seconds, names of what runs there may stay unknown "
        "until `docker service update --force` (moby#53141)",
        "Update the engine to a version with moby#53142.",
    ),
)
# What older engines lack: API 1.44 brought no-new-privileges for services.
_NO_NEW_PRIVILEGES: Final[Version] = (25, 0)


def parse(text: str) -> Version | None:
    """Return the numbers of a version such as 20.10.24+dfsg1; None if there are none."""
    found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def versions(facts: Facts) -> tuple[Finding, ...]:
    """Judge the versions of all engines (`Description.Engine.EngineVersion` of `GET /nodes`)."""
    nodes = facts.swarm.nodes
    if isinstance(nodes, Missing):
        return unknown(Check.VERSIONS, f"Not known, since no node can be listed: {nodes.clause}.")
    known = [(n, v) for n in nodes if (v := parse(n.engine_version)) is not None]
    found = [*_mixed(nodes), *_faulty(known), *_privileges(facts, known)]
    silent = [n.hostname for n in nodes if parse(n.engine_version) is None]
    if silent:
        told = f"Not known of {named(silent)}, which told no version of the engine."
        found += unknown(Check.VERSIONS, told)
    all_of_them = named(n.engine_version for n, _ in known)
    return tuple(found) or ok(Check.VERSIONS, f"All engines are of version {all_of_them}.")


def _mixed(nodes: Sequence[Node]) -> list[Finding]:
    by_version: dict[str, list[str]] = {}
    for node in nodes:
        if node.engine_version:
            by_version.setdefault(node.engine_version, []).append(node.hostname)
    if len(by_version) < 2:  # noqa: PLR2004
        return []
    told = "; ".join(f"{version} on {named(by_version[version])}" for version in sorted(by_version))
    why = "Engines of different versions are made to work together only while they are updated."
    remedy = "Update the older ones, one node at a time; `swarmhub drain NODE` empties each first."
    what = f"The engines are of different versions: {told}."
    return [Finding(Check.VERSIONS, Verdict.WARNING, what, why, remedy)]


def _faulty(known: Known) -> list[Finding]:
    found = []
    for fault in FAULTS:
        hit = [n for n, version in known if fault.since <= version < fault.before]
        if hit:
            numbers = named(n.engine_version for n in hit)
            what = f"The engine on {named(n.hostname for n in hit)} ({numbers}): {fault.what}."
            found.append(Finding(Check.VERSIONS, fault.verdict, what, remedy=fault.remedy))
    return found


def _privileges(facts: Facts, known: Known) -> list[Finding]:
    policy = facts.policy
    old = [n.hostname for n, version in known if version < _NO_NEW_PRIVILEGES]
    if isinstance(policy, Missing) or not policy.hardening.no_new_privileges or not old:
        return []
    what = f"Set-user-ID programs gain their owner's identity in servers on {named(old)}."
    why = "The policy forbids it, which engines older than 25.0 cannot do for services."
    remedy = "Update the engine to 25.0 or newer, or use images without such programs."
    return [Finding(Check.VERSIONS, Verdict.WARNING, what, why, remedy)]
