"""Which node pulls which image next: decided from what is known, with nothing asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from swarmhub_crds.image import Pull, SeenImage
from swarmhub_operator.decide import pulls
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.prepull import Answer, Plan, View, plan
from swarmhub_operator.decide.prepull_policy import PrepullPolicy
from swarmhub_operator.decide.pulls import Key, Sent
from swarmhub_operator.decide.wishes import HUB, Wish, wishes
from swarmhub_operator.engine.observed import Node, Service, Task, TaskState

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LAB, AA, BB = "r.example/lab:1", "r.example/lab:1@sha256:aa", "r.example/lab:1@sha256:bb"
WISH = Wish(LAB, HUB)
POLICY = PrepullPolicy()


def node(name: str, state: str = "ready", availability: str = "active") -> Node:
    """Return a node of the Swarm."""
    return Node(name, f"host-{name}", "worker", availability, state, 4.0, 2**33)


NODES = {name: node(name) for name in ("n1", "n2", "n3")}


def view(**given: object) -> View:
    """Return a world of three nodes, whose registry tells what LAB is."""
    known: dict[str, object] = {
        "nodes": NODES,
        "sent": {},
        "now": NOW,
        "policy": POLICY,
        "answers": {LAB: Answer(AA)},
    }
    return View(**{**known, **given})  # type: ignore[arg-type]


def pull(key: Key, state: TaskState | None = TaskState.PREPARING, error: str = "") -> Sent:
    """Return a pull that has come so far."""
    ident = "-".join(key)
    service = Service(
        ident, ident, 1, pulls.spec(key, "s")["Labels"], pulls.spec(key, "s"), NOW, NOW
    )
    if state is None:
        return Sent(service)
    task = Task("t", ident, key[0], state, "running", "", error, NOW, NOW, None, {}, container="c")
    return Sent(service, task)


def by_image(decided: Plan) -> dict[str, SeenImage]:
    """Return what a plan says, as the next one takes it."""
    return {image.image: image for image in decided.images}


def states(decided: Plan) -> dict[str, Pull]:
    """Return how the nodes stand with the first image."""
    return {entry.node_id: entry.state for entry in decided.images[0].nodes}


def having(reference: str, at: datetime = NOW, names: Mapping[str, Node] = NODES) -> SeenImage:
    """Return LAB as nodes have it."""
    done = {(name, reference): pull((name, reference), TaskState.FAILED) for name in names}
    decided = plan([WISH], {}, view(answers={LAB: Answer(reference)}, sent=done, now=at))
    return decided.images[0]


def test_every_node_is_to_have_it() -> None:
    """Starts use the digest at once, pulled or not."""
    decided = plan([WISH], {}, view())
    assert decided.send == (("n1", AA), ("n2", AA), ("n3", AA))
    assert set(states(decided).values()) == {Pull.WAITING}
    assert decided.images[0].reference == AA


def test_few_at_a_time_of_each_registry() -> None:
    """What has waited the longest goes first."""
    policy = PrepullPolicy(at_once=2)
    other = "q.example/lab@sha256:cc"
    world = view(policy=policy, answers={LAB: Answer(AA), "q.example/lab": Answer(other)})
    both = [WISH, Wish("q.example/lab", "policy")]
    first = plan(both, {}, world)
    assert first.send == (("n1", AA), ("n2", AA), ("n1", other), ("n2", other))
    going = {key: pull(key) for key in first.send}
    assert plan(both, by_image(first), replace(world, sent=going)).send == ()


@pytest.mark.parametrize(
    ("state", "becomes"),
    [
        (None, Pull.PULLING),
        (TaskState.PENDING, Pull.PULLING),
        (TaskState.PREPARING, Pull.PULLING),
        (TaskState.READY, Pull.PRESENT),
        (TaskState.RUNNING, Pull.PRESENT),
        (TaskState.COMPLETE, Pull.PRESENT),
        (TaskState.FAILED, Pull.PRESENT),
        (TaskState.REJECTED, Pull.FAILED),
        (TaskState.SHUTDOWN, Pull.WAITING),
        (TaskState.ORPHANED, Pull.WAITING),
    ],
)
def test_what_its_task_tells(state: TaskState | None, becomes: Pull) -> None:
    """One that could not be started has been pulled; what is over is removed."""
    key = ("n1", AA)
    decided = plan([WISH], {}, view(sent={key: pull(key, state, "No such image")}))
    assert states(decided)["n1"] is becomes
    assert bool(decided.remove) == (becomes is not Pull.PULLING)
    assert key not in decided.send


def test_a_failure_is_told_and_tried_again_later_and_later() -> None:
    """With the node, the registry, and what to look at."""
    key, at, before = ("n1", AA), NOW, {LAB: having(AA, NOW, {})}
    for failures, wait in ((1, 30), (2, 60), (3, 120)):
        failed = {key: pull(key, TaskState.REJECTED, "No such image: x")}
        before = by_image(plan([WISH], before, view(now=at, sent=failed)))
        entry = before[LAB].nodes[0]
        assert (entry.state, entry.failures) == (Pull.FAILED, failures)
        assert "host-n1 could not pull it from r.example (No such image: x)" in entry.message
        early = plan([WISH], before, view(now=at + timedelta(seconds=wait - 1)))
        assert key not in early.send
        at += timedelta(seconds=wait)
        assert key in plan([WISH], before, view(now=at)).send


def test_nodes_that_take_nothing_are_left_alone() -> None:
    """They say why; one that is down loses its pull, which would come late."""
    nodes = {"n1": node("n1", "down"), "n2": node("n2", availability="pause")}
    key = ("n1", AA)
    decided = plan([WISH], {}, view(nodes=nodes, sent={key: pull(key)}))
    assert decided.send == ()
    assert decided.remove == (pull(key).service.id,)
    assert [e.message for e in decided.images[0].nodes] == [
        "host-n1 is down.",
        "host-n2 is set to pause.",
    ]


def test_a_node_that_joins_later_gets_it() -> None:
    """The others are not asked again until a day is over: a manager sees no prune."""
    before = {LAB: having(AA)}
    more = {**NODES, "n4": node("n4")}
    later = NOW + timedelta(hours=23)
    assert plan([WISH], before, view(nodes=more, now=later)).send == (("n4", AA),)
    next_day = NOW + timedelta(days=1)
    assert set(plan([WISH], before, view(now=next_day)).send) == {(name, AA) for name in NODES}


def test_a_node_that_had_no_name_yet_is_called_by_it_later() -> None:
    """Swarm lists a node that has just joined before it knows its host's name."""
    nameless = {"n1": replace(node("n1"), hostname="")}
    first = by_image(plan([WISH], {}, view(nodes=nameless)))
    (entry,) = plan([WISH], first, view(nodes={"n1": node("n1")})).images[0].nodes
    assert entry.node == "host-n1"


def test_a_newer_digest_is_used_once_the_nodes_have_it() -> None:
    """A start never waits for a pull that could have been done before."""
    told = frozenset({LAB})
    world = view(answers={LAB: Answer(BB)}, told=told)
    decided = plan([WISH], {LAB: having(AA)}, world)
    image = decided.images[0]
    assert (image.reference, image.coming) == (AA, BB)
    assert decided.send == tuple((name, BB) for name in NODES)
    two = {(n, BB): pull((n, BB), TaskState.FAILED) for n in ("n1", "n2")}
    almost = plan([WISH], by_image(decided), replace(world, sent=two))
    assert almost.images[0].reference == AA
    third = {("n3", BB): pull(("n3", BB), TaskState.REJECTED)}
    done = plan([WISH], by_image(almost), replace(world, sent=third))
    assert (done.images[0].reference, done.images[0].coming) == (BB, "")


def test_nobody_has_the_newer_one_so_the_older_is_used() -> None:
    """All nodes failed."""
    world = view(answers={LAB: Answer(BB)}, told=frozenset({LAB}))
    failed = {(n, BB): pull((n, BB), TaskState.REJECTED) for n in NODES}
    decided = plan([WISH], {LAB: having(AA)}, replace(world, sent=failed))
    assert (decided.images[0].reference, decided.images[0].coming) == (AA, BB)


def test_what_only_the_store_says_gives_way_to_the_registry() -> None:
    """The hub can write the store; without a registry it is better than nothing."""
    before = {LAB: having(BB)}
    silent = {LAB: Answer(trouble="The registry is away.")}
    kept = plan([WISH], before, view(answers=silent)).images[0]
    assert (kept.reference, kept.message) == (BB, "The registry is away.")
    assert plan([WISH], before, view()).images[0].reference == AA
    forged = {LAB: having(BB).model_copy(update={"reference": "evil.example/x@sha256:ee"})}
    assert plan([WISH], forged, view(answers=silent)).images[0].reference == ""
    forged = {LAB: having(BB).model_copy(update={"coming": "evil.example/x@sha256:ee"})}
    told = plan([WISH], forged, view(answers=silent))
    assert told.images[0].coming == ""
    assert "evil" not in repr(told)


def test_what_no_registry_knows_is_not_pulled() -> None:
    """It says why."""
    decided = plan([WISH], {}, view(answers={LAB: Answer(trouble="It does not know it.")}))
    assert decided == Plan(
        (SeenImage(image=LAB, origin=HUB, message="It does not know it."),), (), ()
    )


def test_pulls_that_nobody_wants_are_removed() -> None:
    """Of an operator before this one, or of an image that is announced no more."""
    key = ("n1", BB)
    assert plan([], {LAB: having(AA)}, view(sent={key: pull(key)})) == Plan(
        (), (), (pull(key).service.id,)
    )


def test_the_hub_cannot_fill_the_disks_by_changing_its_mind() -> None:
    """So much and no more within a day; what was pulled today may be pulled again."""
    world = view(policy=PrepullPolicy(daily=1), spent=frozenset({BB}))
    decided = plan([WISH], {}, world)
    assert decided.send == ()
    assert "within a day" in decided.images[0].message
    assert plan([WISH], {}, replace(world, spent=frozenset({AA}))).send
    assert plan([Wish(LAB, "policy")], {}, world).send


def test_the_policy_decides_what_the_hub_may_announce() -> None:
    """In number and by name; the administrator's own images are not judged."""
    policy = Policy(
        allowed_images=("r.example/*",), prepull=PrepullPolicy(images=("own/lab:1",), most=2)
    )
    announced = [f"r.example/lab:{n}" for n in range(100)]
    found = wishes(policy, "operator:1", ["evil/x", "no image", *announced])
    assert [w.image for w in found if not w.refusal] == [
        "operator:1",
        "own/lab:1",
        "r.example/lab:0",
    ]
    assert len(found) == 2 + 2 * policy.prepull.most
    assert "allowed_images" in found[2].refusal
    assert "no more than 2 are pulled" in found[-1].refusal
    off = policy.model_copy(update={"prepull": PrepullPolicy(from_hub=False)})
    assert [w.image for w in wishes(off, "", announced)] == []
    none = policy.model_copy(update={"prepull": PrepullPolicy(enabled=False)})
    assert wishes(none, "operator:1", announced) == ()


def test_a_pull_mounts_nothing_and_may_do_nothing() -> None:
    """Nor does it run anything of the image."""
    made = pulls.spec(("n1", AA), "s")
    container = made["TaskTemplate"]["ContainerSpec"]
    assert container["Command"] == [pulls.COMMAND]
    assert container["CapabilityDrop"] == ["ALL"]
    assert not {"Mounts", "Secrets", "Configs", "Env"} & set(container)
    assert made["TaskTemplate"]["Networks"] == []
    assert pulls.spec(("n1", AA), "s")["Name"] == made["Name"]
    assert pulls.spec(("n2", AA), "s")["Name"] != made["Name"]
