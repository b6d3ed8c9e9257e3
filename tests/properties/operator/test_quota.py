"""Whatever comes in whatever order, nobody gets beyond a quota."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.decide.quota import excess
from swarmhub_operator.decide.quota_policy import Quota, Quotas, StartRate
from swarmhub_operator.engine.amounts import CORE, Amounts
from swarmhub_operator.loop.gate import MINUTE, StartGate

USERS, GROUPS = "abc", ("x", "y")
LIMIT = st.none() | st.integers(1, 6)
QUOTA = st.builds(
    Quota,
    notebooks=st.none() | st.integers(0, 6),
    memory=LIMIT,
    cpus=LIMIT,
    generic=st.dictionaries(st.just("gpu"), st.integers(0, 6)),
)
QUOTAS = st.builds(
    Quotas, total=QUOTA, user=QUOTA, groups=st.dictionaries(st.sampled_from(GROUPS), QUOTA)
)
AMOUNTS = st.builds(
    Amounts,
    st.integers(1, 4 * CORE),
    st.integers(1, 4),
    st.dictionaries(st.just("gpu"), st.integers(1, 4)),
)
CLAIM = st.builds(
    Claim,
    st.sampled_from(USERS),
    st.frozensets(st.sampled_from(GROUPS)),
    AMOUNTS,
)
CLAIMS = st.lists(CLAIM, max_size=12)


def within(claims: list[Claim], quota: Quota) -> bool:
    """Tell whether claims keep a quota, counted in the plainest way."""
    measures = [
        (len(claims), quota.notebooks),
        (sum(c.amounts.memory for c in claims), quota.memory),
        (
            sum(c.amounts.nano_cpus for c in claims),
            None if quota.cpus is None else quota.cpus * CORE,
        ),
        *((sum(c.amounts.generic.get(k, 0) for c in claims), m) for k, m in quota.generic.items()),
    ]
    return all(most is None or used <= most for used, most in measures)


def keeps(claims: list[Claim], quotas: Quotas) -> bool:
    """Tell whether claims keep all quotas."""
    return (
        within(claims, quotas.total)
        and all(within([c for c in claims if c.user == user], quotas.user) for user in USERS)
        and all(within([c for c in claims if g in c.groups], q) for g, q in quotas.groups.items())
    )


@given(QUOTAS, CLAIMS)
def test_what_is_admitted_keeps_every_quota(quotas: Quotas, claims: list[Claim]) -> None:
    """After each start; and one is refused only if it would not."""
    taken: list[Claim] = []
    for claim in claims:
        fits = keeps([*taken, claim], quotas)
        assert (excess(claim, taken, quotas) is None) == fits
        if fits:
            taken.append(claim)


@given(QUOTAS, CLAIMS, CLAIM)
def test_less_in_use_refuses_no_more(quotas: Quotas, taken: list[Claim], claim: Claim) -> None:
    """Monotone: whoever stops makes room."""
    if taken and excess(claim, taken, quotas) is None:
        assert excess(claim, taken[1:], quotas) is None


@given(QUOTAS, CLAIMS, CLAIM)
def test_lies_about_people_get_nothing_past_the_total(
    quotas: Quotas, taken: list[Claim], claim: Claim
) -> None:
    """Whatever user and groups are claimed, the total is the same."""
    total = Quotas(total=quotas.total)
    told = [replace(c, user=f"made-up-{n}", groups=frozenset()) for n, c in enumerate(taken)]
    assert excess(claim, taken, total) == excess(claim, told, total)


@given(QUOTAS, CLAIMS, CLAIM)
def test_every_refusal_is_one_sentence(quotas: Quotas, taken: list[Claim], claim: Claim) -> None:
    """With a next step."""
    told = excess(claim, taken, quotas)
    assert told is None or (told.endswith(".") and "; " in told and "administrator" in told)


@given(
    st.builds(StartRate, per_minute=LIMIT, user_per_minute=LIMIT),
    st.lists(st.tuples(st.integers(0, 11), st.floats(0, 30)), max_size=60),
)
def test_no_minute_sees_more_starts_than_allowed(
    rate: StartRate, asks: list[tuple[int, float]]
) -> None:
    """Whoever asks whenever; and of one user, nobody overtakes."""
    now = [0.0]
    gate = StartGate(rate, lambda: now[0])
    begun: list[tuple[float, int]] = []
    line: list[int] = []
    for number, pause in asks:
        now[0] += pause
        if number in {n for _, n in begun}:
            continue
        line += [] if number in line else [number]
        if gate.ask(str(number), 100, USERS[number % 3]) == 0:
            ahead = [n for n in line[: line.index(number)] if n % 3 == number % 3]
            gate.hold(str(number))
            gate.leave(str(number))
            begun.append((now[0], number))
            line.remove(number)
            recent = [n for at, n in begun if at > now[0] - MINUTE]
            own = [n for n in recent if n % 3 == number % 3]
            assert rate.per_minute is None or len(recent) <= rate.per_minute
            most = rate.user_per_minute
            assert most is None or len(own) + len(ahead) <= most
