"""Sequences: users, fate and operators take turns in any order, and faults of one class.

The records say what must come of it. Hypothesis looks for the shortest sequence that goes wrong.
"""

from __future__ import annotations

import contextlib
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from simswarm.world import World
from simulation import campaign
from simulation.driver import Simulation
from simulation.faults import FAULTS, Faults
from simulation.good_end import await_good_end
from simulation.lives import NO_IMAGE, POLICY, REFUSED, SERVERS, Life, behaviour
from swarmhub_crds.home import Reclaim
from swarmhub_crds.notebook import Mount

LASTING = 30.0  # seconds of faults, from the beginning
NODES = ("one", "two")
USERS = ("ask", "again", "stop", "take_note", "delete")
FATE = ("kill", "power_off", "power_on", "drain", "remove_service", "tamper", "remove_secret")
OPERATORS = ("crash", "pause", "roll")
HOME = {"mounts": (Mount(volume="home-ada", target="/home", home=True),)}
SPECS = (
    {},
    {"environment": {"THEME": "dark"}},
    {"image": "registry/lab:2"},
    {"image": NO_IMAGE},
    HOME,
    *REFUSED,
)
TOKENS: tuple[dict[str, str], ...] = ({}, {"TOKEN": "one"}, {"TOKEN": "two"})
seeds = st.integers(0, 999)
waits = st.sampled_from((0.0, 0.05, 0.5, 2.0, 7.0))


class Sequences(RuleBasedStateMachine):
    """A simulation that is lived in step by step; each step breaks no invariant."""

    def __init__(self) -> None:
        super().__init__()
        self.open = contextlib.ExitStack()

    @initialize(seed=seeds, nodes=st.integers(0, 2), fault=st.sampled_from(("", *FAULTS)))
    def begin(self, seed: int, nodes: int, fault: str) -> None:
        """Start an operator in a Swarm of so many workers."""
        folder = self.open.enter_context(campaign.scratch())
        world = World(seed, behaviour=behaviour)
        world.images.missing.add(NO_IMAGE)
        made = Simulation(folder, seed, POLICY, world=world, nodes=NODES[:nodes])
        self.sim = self.open.enter_context(made)
        self.life = Life(self.sim, Random(seed))
        self.faults = Faults(self.sim, seed, LASTING)
        if fault:
            self.faults.add(fault)

    def _step(self, name: str, seed: int, wait: float) -> None:
        self.life.random.seed(seed)
        getattr(self.life, name)()
        self.sim.run(wait)

    @rule(step=st.sampled_from(USERS), seed=seeds, wait=waits)
    def user(self, step: str, seed: int, wait: float) -> None:
        """Let a user or the hub do something."""
        self._step(step, seed, wait)

    @rule(step=st.sampled_from(FATE), seed=seeds, wait=waits)
    def fate(self, step: str, seed: int, wait: float) -> None:
        """Let something happen to the Swarm."""
        self._step(step, seed, wait)

    @rule(step=st.sampled_from(OPERATORS), seed=seeds, wait=waits)
    def operator(self, step: str, seed: int, wait: float) -> None:
        """Let something happen to an operator."""
        self._step(step, seed, wait)

    @rule(
        server=st.sampled_from(SERVERS),
        there=st.sampled_from(SPECS),
        back=st.sampled_from(SPECS),
        token=st.sampled_from(TOKENS),
        waits=st.tuples(waits, waits, waits),
    )
    def there_and_back(
        self,
        server: tuple[str, str],
        there: dict[str, object],
        back: dict[str, object],
        token: dict[str, str],
        waits: tuple[float, float, float],
    ) -> None:
        """Write one spec, then another, wrong ones too, then the first again."""
        for given, wait in zip((back, there, back), waits, strict=True):
            own = {} if server[0] != "ada" and given is HOME else given
            self.life.write(*server, own, token)
            self.sim.run(wait)

    @rule(
        server=st.sampled_from(SERVERS[:2]),
        reclaim=st.sampled_from(Reclaim),
        fate=st.sampled_from((*FATE, *OPERATORS)),
        wait=waits,
        seed=seeds,
    )
    def deleted_mid_start(
        self, server: tuple[str, str], reclaim: Reclaim, fate: str, wait: float, seed: int
    ) -> None:
        """Delete a server that is on its way, while something happens to it."""
        self.life.write(*server, HOME, {"TOKEN": "one"}, reclaim)
        self._step(fate, seed, wait)
        self.life.delete_server(*server)

    @rule(wait=st.sampled_from((1.0, 20.0, 70.0)))
    def time(self, wait: float) -> None:
        """Let time pass."""
        self.sim.run(wait)

    def teardown(self) -> None:
        """Let the faults end; then all becomes as the records say, and stays so."""
        with self.open:
            if hasattr(self, "faults"):
                self.sim.run(self.faults.left)
                self.life.mend()
                assert not (found := await_good_end(self.life)), found


TestSequences = pytest.mark.timeout(campaign.within())(Sequences.TestCase)
TestSequences.settings = settings(
    max_examples=60 * campaign.factor(),
    stateful_step_count=20,
    derandomize=campaign.factor() == 1,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
