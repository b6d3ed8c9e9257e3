"""What servers may have together: one user's, a group's, all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.records import (
    GIB,
    STORE,
    context,
    notebook,
    observed,
    relabelled,
    service,
    spec,
    wanted,
)
from swarmhub_crds.notebook import ConditionType, Phase, Resources
from swarmhub_operator.decide.bounds import MemoryBounds, NotebookBounds
from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.quota import excess, of_service, of_spec, of_strangers, others
from swarmhub_operator.decide.quota_policy import Quota, Quotas
from swarmhub_operator.engine.amounts import CORE, Amounts
from swarmhub_operator.engine.observed import Service
from swarmhub_operator.engine.snapshot import Snapshot, index


def claim(user: str = "ada", *groups: str, gib: int = 1, cpus: int = 1, gpus: int = 0) -> Claim:
    """Return the claim of a server with limits."""
    generic = {"gpu": gpus} if gpus else {}
    return Claim(user, frozenset(groups), Amounts(cpus * CORE, gib * GIB, generic))


def user(**values: Any) -> Quotas:
    """Return quotas for each user."""
    return Quotas(user=Quota(**values))


def test_what_another_store_runs_is_taken_of_the_total_alone() -> None:
    """Its users may be called as ours are, and are others."""
    other = relabelled(service(), STORE="another")
    found = of_strangers((other, service()), STORE)
    assert [(c.user, c.groups) for c in found] == [("", frozenset())]
    assert excess(claim(), found, user(notebooks=1)) is None
    assert excess(claim(), found, Quotas(total=Quota(notebooks=1))) is not None


def test_without_quotas_everything_fits() -> None:
    """The default: nothing changes for who sets none."""
    many = [claim(gib=2**20, gpus=1000) for _ in range(100)]
    assert excess(claim(), many, Policy().quotas) is None
    assert Policy().quotas.is_none
    assert not user(notebooks=0).is_none
    assert not Quotas(groups={"x": Quota(memory=1)}).is_none


def test_a_count_is_told_with_what_is_in_use_and_what_helps() -> None:
    """Others' servers do not count for a user's."""
    taken = [claim(), claim(), claim("bob")]
    assert excess(claim(), taken, user(notebooks=3)) is None
    assert excess(claim(), taken, user(notebooks=2)) == (
        "The servers of one user may be 2 at most, and 2 are running or starting already; stop "
        "another server of yours, or ask the administrator to raise the limit in the operator's "
        "policy."
    )


def test_none_at_all_is_a_limit() -> None:
    """There is nothing to stop then."""
    assert excess(claim(), (), user(notebooks=0)) == (
        "The servers of one user may be 0 at most, and 0 are running or starting already; ask the "
        "administrator to raise the limit in the operator's policy."
    )


def test_amounts_are_told_likewise() -> None:
    """Up to the limit, not beyond."""
    taken = [claim(gib=2, cpus=1, gpus=1)]
    assert excess(claim(gib=2), taken, user(memory=4 * GIB)) is None
    assert excess(claim(gib=3), taken, user(memory=4 * GIB)) == (
        "The servers of one user may have 4 GiB of memory together, 2 GiB of memory is in use, and "
        "this one asks for 3 GiB of memory; stop another server of yours, or ask the administrator "
        "to raise the limit in the operator's policy."
    )
    assert "1.5 CPUs together, 1 CPUs is" in str(excess(claim(), taken, user(cpus=1.5)))
    assert "1 gpu together" in str(excess(claim(gpus=1), taken, user(generic={"gpu": 1})))
    assert excess(claim(), taken, user(generic={"gpu": 0})) is None


def test_what_never_fits_is_not_waited_for() -> None:
    """To stop another server would not help."""
    told = excess(claim(gib=5), [claim()], user(memory="4G"))
    assert told is not None
    assert "; ask for less, or ask the administrator" in told


def test_a_group_shares_what_it_has() -> None:
    """Only those in it, and only groups that the policy names."""
    quotas = Quotas(groups={"class": Quota(notebooks=1)})
    assert excess(claim("bob", "class"), [claim("ada", "lab")], quotas) is None
    assert excess(claim("bob", "lab"), [claim("ada", "class", "lab")], quotas) is None
    told = excess(claim("bob", "class"), [claim("ada", "class")], quotas)
    assert told is not None
    assert told.startswith("The servers of the group class may be 1 at most, and 1 is running")


def test_the_total_holds_whatever_is_said_of_users_and_groups() -> None:
    """A hub that lies makes up a user for each server."""
    taken = [claim(f"user{n}") for n in range(4)]
    told = excess(claim("nobody"), taken, Quotas(total=Quota(memory="4G")))
    assert told is not None
    assert told.startswith("All servers may have 4 GiB of memory together, 4 GiB")


def test_a_server_without_a_limit_does_not_get_past_one() -> None:
    """A guarantee is none: the server may take more."""
    policy = Policy(quotas=user(memory="4G", cpus=2))
    lacking = of_spec(spec(resources=Resources(mem_guarantee=1, cpu_guarantee=1)), policy)
    assert "no limit of CPUs; set one" in str(excess(lacking, (), policy.quotas))
    lacking = of_spec(spec(resources=Resources(mem_guarantee=1, cpu_limit=1)), policy)
    assert "no limit of memory; set one" in str(excess(lacking, (), policy.quotas))
    assert excess(lacking, (), user(cpus=2, notebooks=1)) is None


def test_default_limits_count() -> None:
    """What the policy gives is what the server may take."""
    bounds = NotebookBounds(memory=MemoryBounds(default="2G"))
    policy = Policy(notebook=bounds, quotas=user(memory="1G"))
    assert "asks for 2 GiB" in str(excess(of_spec(spec(), policy), (), policy.quotas))


def made(name: str, **values: Any) -> Service:
    """Return the service of a notebook."""
    return service(wanted(notebook(name, **values)), id=f"s-{name}")


ROOMY = Resources(mem_limit=GIB, mem_guarantee=GIB // 2, cpu_limit=0.5, generic={"gpu": 2})


def test_a_service_claims_what_its_record_did() -> None:
    """It counts as it was made, so a later record hides nothing."""
    values: dict[str, Any] = {"user": "eve", "groups": ("a", "b"), "resources": ROOMY}
    found = of_service(made("eve", **values))
    assert found == of_spec(spec(**values), Policy())
    assert found.amounts == Amounts(CORE // 2, GIB, {"gpu": 2})
    assert found.groups == {"a", "b"}
    assert not found.unlimited


def look(*services: Service) -> Snapshot:
    """Return a look at services."""
    return index(0.0, services, (), (), ())


def test_whoever_starts_does_not_count_against_himself() -> None:
    """Neither what runs of him, nor what is being made."""
    seen = look(made("ada"), made("bob", user="bob"))
    assert [c.user for c in others(seen, {"ada": claim()}, "ada")] == ["bob"]


def test_what_is_being_made_counts_once() -> None:
    """Before and after a look shows it."""
    coming = {"bob": claim("bob")}
    assert [c.user for c in others(look(), coming, "ada")] == ["bob"]
    assert [c.user for c in others(look(made("bob", user="bob")), coming, "ada")] == ["bob"]


def test_a_start_beyond_a_quota_is_refused() -> None:
    """With a condition of its own reason."""
    verdict = plan(wanted(), observed(taken=(claim(),)), context(quotas=user(notebooks=1)))
    assert verdict.status.phase is Phase.FAILED
    assert verdict.actions == ()
    (accepted,) = (c for c in verdict.status.conditions if c.type == ConditionType.ACCEPTED)
    assert (accepted.status, accepted.reason) == ("False", "QuotaExceeded")
    assert verdict.status.message == accepted.message


@pytest.mark.parametrize(
    "values",
    [{"notebooks": -1}, {"memory": 0}, {"cpus": float("nan")}, {"cpus": float("inf")}, {"x": 1}],
)
def test_no_nonsense_is_a_quota(values: dict[str, Any]) -> None:
    """A typing error opens nothing."""
    with pytest.raises(ValidationError):
        Quota(**values)


@pytest.mark.parametrize("field", ["cpu_limit", "cpu_guarantee"])
def test_no_record_asks_for_more_cores_than_can_be_counted(field: str) -> None:
    """The engine's billionths of it would be infinite."""
    with pytest.raises(ValidationError):
        Resources.model_validate({field: 1e300})
