"""Plans one notebook; one that needs a place, with what all the others take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from swarmhub_operator.decide.actions import CreateService
from swarmhub_operator.decide.build import Placement, Wanted
from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.loads import Expected, loads
from swarmhub_operator.decide.placing import beside, needs_place, wish
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.quota import of_spec, of_strangers, others
from swarmhub_operator.decide.quota_policy import Quota
from swarmhub_operator.decide.verdict import Verdict
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.loop.expectations import Expectations
from swarmhub_operator.loop.sight import is_to_run

STRANGERS_FOR = 10.0  # seconds for which it is believed what other stores' servers take


class Decider:
    """Asks the engine for what a decision needs besides the look, and decides. Thread-safe.

    It changes nothing, but remembers which services it has decided to make.
    """

    def __init__(
        self, engine: Engine, observer: Observer, store: str, clock: Callable[[], float]
    ) -> None:
        """`store` is the uid of ours."""
        self._engine = engine
        self._observer = observer
        self._store = store
        self._clock = clock
        self._expected = Expectations(clock)
        self._strangers: tuple[Claim, ...] = ()
        self._strangers_asked = float("-inf")

    def decide(
        self, wanted: Wanted, observed: Observed, snapshot: Snapshot, context: Context
    ) -> Verdict:
        """Plan a notebook.

        Raises:
            EngineError: the engine cannot be asked.
        """
        runs = is_to_run(wanted.notebook)
        if runs and needs_place(wanted, observed):
            return self._decide_place(wanted, observed, snapshot, context)
        if not runs:
            self.drop(wanted.name)
        return plan(wanted, observed, context)

    def drop(self, name: str) -> None:
        """Expect no service of a notebook any more: it is to stop, or none could be made."""
        self._expected.drop(name)

    def _decide_place(
        self, wanted: Wanted, observed: Observed, snapshot: Snapshot, context: Context
    ) -> Verdict:
        """Plan a notebook that needs a place, with what the nodes have given away.

        One at a time, so that nobody misses what another one is about to take: of a node, or of
        what servers may have together.
        """
        held = self._observer.reservations()
        elsewhere = self._elsewhere(context.policy)
        with self._expected.choosing:
            expected = self._expected.current()
            given = loads(snapshot, held, expected, but=wanted.name)
            holders = beside(wanted, snapshot, expected)
            observed = replace(observed, loads=given, holders=holders)
            if not context.policy.quotas.is_none:
                claims = {n: e.claim for n, e in expected.items() if e.claim}
                taken = (*others(snapshot, claims, wanted.name), *elsewhere)
                observed = replace(observed, taken=taken)
            verdict = plan(wanted, observed, context)
            for placement in _made(verdict):
                self._expected.put(wanted.name, _expected(wanted, placement, context.policy))
        return verdict

    def _elsewhere(self, policy: Policy) -> tuple[Claim, ...]:
        """Return what servers of other stores take, if there is a limit in total.

        Raises:
            EngineError: the engine cannot be asked.
        """
        if policy.quotas.total == Quota():
            return ()
        now = self._clock()
        if now - self._strangers_asked >= STRANGERS_FOR:
            found = self._engine.services("")
            self._strangers = of_strangers(found, self._store)
            self._strangers_asked = now
        return self._strangers


def _made(verdict: Verdict) -> Iterator[Placement]:
    """Yield where a service is to be made, if one is."""
    for action in verdict.actions:
        if isinstance(action, CreateService):
            yield action.placement


def _expected(wanted: Wanted, placement: Placement, policy: Policy) -> Expected:
    claim = None if policy.quotas.is_none else of_spec(wanted.spec, policy)
    return Expected(placement.pin, wish(wanted).amounts, _homes(wanted), claim)


def _homes(wanted: Wanted) -> frozenset[str]:
    return frozenset(m.volume for m in wanted.spec.mounts if m.home)
