"""Whether a start fits into what servers may have together: a user's, a group's, all. Pure.

It is asked when a service is to be made, and never of one that is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from swarmhub_crds.notebook import NotebookSpec

from swarmhub_operator.decide import recorded, terms
from swarmhub_operator.decide.build import resources
from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.decide.filters import size
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.quota_policy import Quota, Quotas
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.amounts import CORE, NOTHING, Amounts
from swarmhub_operator.engine.observed import Service
from swarmhub_operator.engine.snapshot import Snapshot

_ASK_ADMIN = "ask the administrator to raise the limit in the operator's policy"


def of_spec(spec: NotebookSpec, policy: Policy) -> Claim:
    """Return the claim of a notebook whose service is to be made."""
    built = resources(spec, terms.of(spec, policy))
    return _claim(spec.user, frozenset(spec.groups), built)


def of_service(service: Service) -> Claim:
    """Return the claim of a service as it was made, whatever its record says by now."""
    built = service.spec.get("TaskTemplate", {}).get("Resources") or {}
    return _claim(service.labels.get(labels.USER, ""), recorded.groups(service), built)


def of_strangers(services: Iterable[Service], store: str) -> tuple[Claim, ...]:
    """Return the claims of other stores' services: nobody's here, and yet taken of the total.

    A hub can change its store's identity, and thereby leaves what it has started to nobody.
    """
    return tuple(
        replace(of_service(service), user="", groups=frozenset())
        for service in services
        if service.labels.get(labels.STORE) not in (None, "", store)
    )


def _claim(user: str, groups: frozenset[str], built: Mapping[str, Any]) -> Claim:
    most, least = Amounts.read(built.get("Limits")), Amounts.read(built.get("Reservations"))
    limits = {"memory": most.memory, "CPUs": most.nano_cpus}
    amounts = Amounts(
        max(most.nano_cpus, least.nano_cpus), max(most.memory, least.memory), least.generic
    )
    return Claim(user, groups, amounts, frozenset(what for what in limits if not limits[what]))


def others(snapshot: Snapshot, expected: Mapping[str, Claim], but: str) -> tuple[Claim, ...]:
    """Return what all notebooks but one take.

    Args:
        snapshot: a look; each service counts, whatever the store says of it.
        expected: by notebook, what is being made and no look shows yet.
        but: the notebook that is to start, which never counts against itself.
    """
    services = [s for s in snapshot.all_services() if s.labels.get(labels.NOTEBOOK) != but]
    seen = {s.labels.get(labels.NOTEBOOK) for s in services}
    coming = (claim for name, claim in expected.items() if name != but and name not in seen)
    return (*(of_service(s) for s in services), *coming)


def excess(claim: Claim, taken: Iterable[Claim], quotas: Quotas) -> str | None:
    """Return which limit a start would go beyond, in one sentence, or None if it fits.

    Args:
        claim: what the notebook takes.
        taken: what all others take.
        quotas: what they may have together.
    """
    return next(_excesses(claim, tuple(taken), quotas), None)


@dataclass(frozen=True, slots=True)
class _Scope:
    """A quota, those that share it already, and how to speak of them."""

    quota: Quota
    sharers: tuple[Claim, ...]
    whose: str
    step: str


def _excesses(claim: Claim, taken: tuple[Claim, ...], quotas: Quotas) -> Iterator[str]:
    for scope in _scopes(claim, taken, quotas):
        yield from _beyond(claim, scope)


def _scopes(claim: Claim, taken: tuple[Claim, ...], quotas: Quotas) -> Iterator[_Scope]:
    own = tuple(c for c in taken if c.user == claim.user)
    yield _Scope(quotas.user, own, "The servers of one user", "stop another server of yours")
    for group in sorted(claim.groups & quotas.groups.keys()):
        members = tuple(c for c in taken if group in c.groups)
        whose = f"The servers of the group {group}"
        yield _Scope(quotas.groups[group], members, whose, "wait until one of them is stopped")
    yield _Scope(quotas.total, taken, "All servers", "wait until one of them is stopped")


def _beyond(claim: Claim, scope: _Scope) -> Iterator[str]:
    quota, count = scope.quota, len(scope.sharers)
    if quota.notebooks is not None and count >= quota.notebooks:
        step = f"{scope.step}, or {_ASK_ADMIN}" if count else _ASK_ADMIN
        yield (
            f"{scope.whose} may be {quota.notebooks} at most, and {count} "
            f"{'is' if count == 1 else 'are'} running or starting already; {step}."
        )
    limited = {"memory": quota.memory, "CPUs": quota.cpus}
    for what in sorted(claim.unlimited):
        if limited[what] is not None:
            yield (
                f"{scope.whose} have limited {what} together, and this one has no limit of "
                f"{what}; set one, or ask the administrator for a default in the operator's policy."
            )
    used = reduce(add, (c.amounts for c in scope.sharers), NOTHING)
    for measure in _measures(claim.amounts, used, quota):
        if measure.asked and measure.asked + measure.used > measure.most:
            yield _too_much(measure, scope)


@dataclass(frozen=True, slots=True)
class _Measure:
    """One kind of resource: what is asked, in use, and allowed; and how to say an amount."""

    asked: int
    used: int
    most: int
    say: Callable[[int], str]


def _measures(asked: Amounts, used: Amounts, quota: Quota) -> Iterator[_Measure]:
    if quota.memory is not None:
        yield _Measure(asked.memory, used.memory, quota.memory, _memory)
    if quota.cpus is not None:
        most = round(quota.cpus * CORE)
        yield _Measure(asked.nano_cpus, used.nano_cpus, most, _cpus)
    for kind, most in quota.generic.items():
        amounts = asked.generic.get(kind, 0), used.generic.get(kind, 0)
        yield _Measure(*amounts, most, _generic(kind))


def _memory(amount: int) -> str:
    return f"{size(amount)} of memory"


def _cpus(amount: int) -> str:
    return f"{amount / CORE:g} CPUs"


def _generic(kind: str) -> Callable[[int], str]:
    return lambda amount: f"{amount} {kind}"


def _too_much(measure: _Measure, scope: _Scope) -> str:
    alone = measure.asked > measure.most
    step = "ask for less" if alone else scope.step
    return (
        f"{scope.whose} may have {measure.say(measure.most)} together, "
        f"{measure.say(measure.used)} is in use, and this one asks for "
        f"{measure.say(measure.asked)}; {step}, or {_ASK_ADMIN}."
    )
