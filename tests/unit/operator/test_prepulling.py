"""The loop that has nodes pull: on a Swarm in memory, with operators that crash between calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from swarmhub_crds.image import Pull
from swarmhub_crds.notebook import Phase, PullPolicy
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.images import ImageResolver
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.prepulling import BUSY, IDLE, Prepuller
from unit.operator.fakeswarm import NODE, FakeSwarm, Operator

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NODES = {name: replace(NODE, id=name, hostname=f"host-{name}") for name in ("n1", "n2")}
LAB = "r.example/lab:1"


@dataclass
class Site:
    """A store, a Swarm, and the time."""

    store: Store
    leadership: Leadership
    swarm: FakeSwarm = field(default_factory=FakeSwarm)
    seconds: float = 0.0
    nodes: dict[str, Node] = field(default_factory=lambda: dict(NODES))

    def operator(self) -> tuple[Prepuller, ImageResolver]:
        """Return the part of a fresh operator that pulls, and that which resolves."""
        images = ImageResolver(self.swarm, lambda: self.seconds, keep=300.0)
        made = Prepuller(
            self.store,
            self.swarm,
            self.leadership,
            images,
            Policy(),
            "",
            now=lambda: START + timedelta(seconds=self.seconds),
            clock=lambda: self.seconds,
        )
        return made, images

    def step(self, operator: Prepuller) -> float:
        """Let an operator look once, a second later."""
        self.seconds += 1
        return operator.step(self.nodes, lambda: None)

    def states(self) -> list[str]:
        """Return how the nodes stand with the first image, in the order of their names."""
        found = self.store.list_images()
        return [entry.state.value for entry in found[0].nodes] if found else []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Yield a store that leads, on which the hub announces an image that a registry knows."""
    store = Store.open(f"sqlite:///{tmp_path}/state.db")
    life = SignOfLife(store.path)
    leadership = Leadership(store, "here/1", life, 60.0)
    assert leadership.acquire()
    made = Site(store, leadership)
    made.swarm.digests[LAB] = "sha256:aa"
    store.announce_images([LAB])
    yield made
    leadership.release()
    life.close()
    store.close()


def test_images_get_to_all_nodes_and_nothing_is_left(site: Site) -> None:
    """The pulls of all nodes at once, then rest without a question to the engine."""
    operator, images = site.operator()
    assert site.step(operator) == BUSY
    assert site.swarm.calls["create_service"] == len(NODES)
    site.step(operator)
    assert site.states() == ["Present", "Present"]
    site.step(operator)
    assert site.swarm.errands(site.store.uid) == ()
    assert site.step(operator) == IDLE
    before = site.swarm.calls.copy()
    site.step(operator)
    assert site.swarm.calls == before
    assert images.resolve(LAB) == f"{LAB}@sha256:aa"


@pytest.mark.parametrize("call", ["create_service", "remove_service", "errands", "errand_tasks"])
@pytest.mark.parametrize("after", [0, 1])
def test_operators_that_crash_pull_nothing_twice(site: Site, call: str, after: int) -> None:
    """Each successor finds what was sent, by its name, and what the nodes have, in the store."""
    left = [after]

    def crash(name: str) -> None:
        if name == call:
            if left[0] == 0:
                left[0] = -1
                raise EngineError(Kind.UNAVAILABLE, "gone")
            left[0] -= 1

    site.swarm.before = crash
    for _ in range(8):
        operator, _images = site.operator()
        try:
            site.step(operator)
        except EngineError:
            continue
    assert site.states() == ["Present", "Present"]
    assert site.swarm.errands(site.store.uid) == ()
    assert site.swarm.calls["create_service"] <= len(NODES) + 1


def test_what_nodes_have_survives_the_operator(site: Site) -> None:
    """And a node that joins gets it, too."""
    for _ in range(3):
        operator, _ = site.operator()
        site.step(operator)
    sent = site.swarm.calls["create_service"]
    site.nodes["n3"] = replace(NODE, id="n3", hostname="host-n3")
    for _ in range(3):
        operator, _ = site.operator()
        site.step(operator)
    assert site.swarm.calls["create_service"] == sent + 1
    assert site.states() == ["Present"] * 3


def test_a_tag_that_moves_is_pulled_before_it_is_used(site: Site) -> None:
    """Seen after the interval; starts go on with what the nodes have until then."""
    operator, images = site.operator()
    for _ in range(3):
        site.step(operator)
    site.swarm.digests[LAB] = "sha256:bb"
    site.seconds += 299
    assert images.resolve(LAB) == f"{LAB}@sha256:aa"
    site.step(operator)
    assert images.resolve(LAB) == f"{LAB}@sha256:aa"
    assert site.store.list_images()[0].coming == f"{LAB}@sha256:bb"
    site.step(operator)
    assert images.resolve(LAB) == f"{LAB}@sha256:bb"


def test_a_registry_that_does_not_tell_is_asked_again(site: Site) -> None:
    """The reason stands in the store."""
    digest = site.swarm.digests.pop(LAB)
    operator, _ = site.operator()
    site.step(operator)
    site.step(operator)
    assert site.swarm.calls["resolve_image"] == 1
    found = site.store.list_images()[0]
    assert (found.reference, found.nodes) == ("", ())
    assert found.message == f"The registry does not know the image {LAB}."
    site.swarm.digests[LAB] = digest
    site.seconds += 60
    site.step(operator)
    site.step(operator)
    assert {e.state for e in site.store.list_images()[0].nodes} == {Pull.PRESENT}


def test_each_pull_policy_on_its_way_through_the_operator(tmp_path: Path) -> None:
    """By digest, by the manager's own id, or refused with a sentence that helps."""
    store, swarm = Store.open(f"sqlite:///{tmp_path}/state.db"), FakeSwarm()
    swarm.digests = {"lab": "sha256:aa"}
    operator = Operator(store, swarm)
    try:
        operator.apply("ada")
        operator.apply("bob", pull_policy=PullPolicy.NEVER)
        operator.apply("cyd", pull_policy=PullPolicy.NEVER, image="elsewhere")
        operator.apply("dan", pull_policy=PullPolicy.ALWAYS)
        images = {"ada": "lab@sha256:aa", "bob": "sha256:aa", "dan": "lab@sha256:aa"}
        for name, image in images.items():
            operator.wait(name, "runs", lambda s: s.phase is Phase.RUNNING)
            assert operator.status(name).image == image
        operator.wait("cyd", "is refused", lambda s: s.phase is Phase.FAILED)
        assert "elsewhere is not on the manager" in operator.status("cyd").message
    finally:
        operator.stop()
        store.close()
