"""What could not be had is said, whatever it is: never taken for well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from swarmhub_crds.errors import Reason
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.doctor.examine import examine
from swarmhub_operator.doctor.facts import Facts, Missing
from swarmhub_operator.doctor.finding import Check, Verdict, named
from unit.doctor.site import SWARM, WELL, found, probe

SWARM_PARTS = ("about", "nodes", "services", "tasks", "networks")
PARTS = ("store", "policy", "files", "state_disk", "answers", "certificates", "probes")
# What each check cannot do without; policy is judged by what is wrong with it.
NEEDS = {
    Check.MANAGER: {"about"},
    Check.QUORUM: {"nodes"},
    Check.VERSIONS: {"nodes"},
    Check.CLOCK: {"nodes"},
    Check.DISK: {"state_disk"},
    Check.NAMES: {"probes"},
    Check.ADDRESSES: {"services", "tasks", "networks"},
    Check.ENDPOINTS: {"services", "networks"},
    Check.IMAGES: {"store", "answers"},
    Check.REGISTRY: {"answers"},
    Check.SCHEMA: {"store"},
    Check.LEASE: {"store"},
    Check.RECORDS: {"store"},
    Check.FILES: {"files"},
    Check.CERTIFICATES: {"certificates"},
}


def without(parts: frozenset[str]) -> Facts:
    """Return facts of which some are missing."""
    gone = Missing("It is away", Reason.LOCKED)
    lists: dict[str, Any] = {p: gone for p in parts if p in SWARM_PARTS}
    others: dict[str, Any] = {p: gone for p in parts if p in PARTS}
    return replace(WELL, swarm=replace(SWARM, **lists), **others)


@given(st.frozensets(st.sampled_from((*SWARM_PARTS, *PARTS))))
def test_what_is_missing_is_never_well(parts: frozenset[str]) -> None:
    """Every check speaks, with a reason; none is well for want of what it judges."""
    findings = examine(without(parts))
    assert {f.check for f in findings} == set(Check)
    for finding in findings:
        assert finding.what.endswith(".")
        assert finding.verdict is not Verdict.FAILED or finding.remedy
        assert finding.verdict is not Verdict.OK or not NEEDS.get(finding.check, set()) & parts


def test_the_engine_is_down() -> None:
    """The engine has failed, what it would tell is unknown, and the store is well."""
    findings = examine(without(frozenset({*SWARM_PARTS, "answers", "certificates", "probes"})))
    verdicts = {f.check: f.verdict for f in findings}
    assert verdicts[Check.ENGINE] is Verdict.FAILED
    assert verdicts[Check.QUORUM] is verdicts[Check.ENDPOINTS] is Verdict.UNKNOWN
    assert verdicts[Check.STORE] is verdicts[Check.LEASE] is Verdict.OK


def test_the_store_is_locked() -> None:
    """The store has failed, and the engine is judged all the same."""
    verdicts = {f.check: f.verdict for f in examine(without(frozenset({"store"})))}
    assert verdicts[Check.STORE] is Verdict.FAILED
    assert verdicts[Check.LEASE] is verdicts[Check.SCHEMA] is Verdict.UNKNOWN
    assert verdicts[Check.QUORUM] is verdicts[Check.NODES] is Verdict.OK


def test_nodes_that_do_not_tell_are_named() -> None:
    """With the reason, once for all of them, beside what others told."""
    silent = Missing("it is down and cannot be asked.")
    facts = replace(WELL, probes={"id-manager": probe(), "id-worker1": silent})
    for check in (Check.NAMES, Check.DISK):
        (finding,) = found(facts, check)
        assert finding.verdict is Verdict.UNKNOWN
        assert "worker1 (it is down and cannot be asked)" in finding.what


def test_without_probes_it_is_said_how_to_get_them() -> None:
    """One option."""
    facts = replace(WELL, probes=Missing("no node was asked"))
    assert "--probe-nodes" in found(facts, Check.NAMES)[0].remedy


def test_the_default_policy_is_no_finding() -> None:
    """Who has set nothing is not told of it for ever."""
    assert found(replace(WELL, policy=Policy()), Check.POLICY)[0].verdict is Verdict.OK


def test_a_sentence_names_a_few() -> None:
    """And counts the others."""
    assert named(f"n{i}" for i in range(10)) == "n0, n1, n2, n3, n4, n5, n6, n7 and 2 more"
