"""Each fault is found by its check, and by no other, and each has its remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from swarmhub_crds.errors import Reason
from swarmhub_crds.image import OnNode, Pull, SeenImage
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_operator.decide.policy import AllowedBind, Hardening, Policy
from swarmhub_operator.decide.probes import Disk
from swarmhub_operator.doctor.examine import examine
from swarmhub_operator.doctor.facts import Answer, Certificate, FileFact, Missing, Trouble
from swarmhub_operator.doctor.finding import Check, Verdict
from swarmhub_operator.doctor.supply import place_of
from swarmhub_operator.engine.errors import Kind
from swarmhub_operator.engine.observed import TaskState
from swarmhub_operator.engine.surroundings import About
from unit.doctor.site import (
    ABOUT,
    GIB,
    HUB,
    MANAGER,
    NETWORK,
    NOW,
    PROBES,
    SERVER,
    STORE,
    TASKS,
    WELL,
    WORKER,
    found,
    node,
    only,
    probe,
    service,
    store,
    swarm,
    task,
)

LAB = "127.0.0.1:5000/lab:1"
THEIRS = "registry.example/lab:1"


def managers(*reachable: bool) -> tuple[Any, ...]:
    """Return so many managers, the first of which has the state."""
    state = {"labels": {"swarmhub.state": "true"}}
    return tuple(
        node(
            f"m{number}",
            role="manager",
            reachability="reachable" if up else "unreachable",
            **(state if not number else {}),
        )
        for number, up in enumerate(reachable)
    )


def voters(*reachable: bool) -> Any:
    """Return facts of a Swarm with these managers, which all tell of their clocks."""
    nodes = managers(*reachable)
    probes = {n.id: probe() for n in nodes}
    tasks = (task(HUB, "m0"), task(SERVER, "m0"))
    return replace(swarm(nodes=nodes, tasks=tasks), probes=probes)


def test_all_is_well() -> None:
    """No check is silent, and none finds anything."""
    findings = examine(WELL)
    assert {f.check for f in findings} == set(Check)
    assert {f.verdict for f in findings} == {Verdict.OK}


# -- the engine and the Swarm


@pytest.mark.parametrize(
    ("state", "word", "step"),
    [
        ("active", "is a worker", "docker node promote id-here"),
        ("inactive", "is in no Swarm", "make up"),
        ("locked", "is locked", "docker swarm unlock"),
    ],
)
def test_not_a_manager(state: str, word: str, step: str) -> None:
    """A worker, an engine alone, and one whose Swarm wants its key, each with its remedy."""
    about = About("here", "28.5.2", "id-here", state, manager=False)
    (finding,) = found(swarm(about=about), Check.MANAGER)
    assert finding.verdict is Verdict.FAILED
    assert word in finding.what
    assert step in finding.remedy


def test_quorum_at_risk() -> None:
    """One of three is away: the next one stops everything."""
    finding = only(voters(True, True, False), Check.QUORUM, Verdict.FAILED)
    assert "2 of 3 managers are reachable" in finding.what
    assert "one more that is lost stops the Swarm" in finding.what
    assert "m2" in finding.why


@pytest.mark.parametrize(
    ("reachable", "verdict"),
    [
        ((True,), Verdict.OK),
        ((True, True), Verdict.WARNING),
        ((True, False), Verdict.FAILED),
        ((True, True, True), Verdict.OK),
        ((True, False, False), Verdict.FAILED),
        ((True, True, True, True, False), Verdict.WARNING),
        ((True, True, True, False, False), Verdict.FAILED),
    ],
)
def test_how_many_managers_may_be_lost(reachable: tuple[bool, ...], verdict: Verdict) -> None:
    """More than half are needed."""
    assert only(voters(*reachable), Check.QUORUM, verdict)


def test_quorum_lost() -> None:
    """The engine says so of itself, or when it is asked for its nodes."""
    said = replace(ABOUT, error="rpc error: The swarm does not have a leader.")
    finding = only(swarm(about=said), Check.QUORUM, Verdict.FAILED)
    assert "--force-new-cluster" in finding.remedy
    silent = Missing("The Swarm has no leader (too few managers are up); bring managers back.")
    (finding,) = found(swarm(nodes=silent), Check.QUORUM)
    assert finding.verdict is Verdict.FAILED


def test_mixed_versions() -> None:
    """Which engine has which."""
    nodes = (MANAGER, replace(WORKER, engine_version="27.4.1"))
    finding = only(swarm(nodes=nodes), Check.VERSIONS, Verdict.WARNING)
    assert "27.4.1 on worker1; 28.5.2 on manager" in finding.what


@pytest.mark.parametrize(
    ("version", "verdict", "word"),
    [
        ("19.03.15", Verdict.FAILED, "older than 20.10"),
        ("20.10.23", Verdict.WARNING, "CVE-2023-28840"),
        ("23.0.2", Verdict.WARNING, "CVE-2023-28840"),
        ("28.2.2", Verdict.FAILED, "moby#50129"),
        ("29.1.0", Verdict.FAILED, "moby#51614"),
        ("29.6.2", Verdict.WARNING, "moby#53141"),
    ],
)
def test_known_faults(version: str, verdict: Verdict, word: str) -> None:
    """Each of a version that has it."""
    nodes = (replace(MANAGER, engine_version=version), replace(WORKER, engine_version=version))
    told = found(swarm(nodes=nodes), Check.VERSIONS)
    assert [f.verdict for f in told if word in f.what] == [verdict]


@pytest.mark.parametrize("version", ["28.1.1", "28.3.0", "28.5.2", "25.0.11", "v27.1"])
def test_versions_without_a_known_fault(version: str) -> None:
    """The neighbours of those that have one."""
    nodes = (replace(MANAGER, engine_version=version), replace(WORKER, engine_version=version))
    assert found(swarm(nodes=nodes), Check.VERSIONS)[0].verdict is Verdict.OK


def test_what_an_old_engine_cannot_forbid() -> None:
    """Unless the policy does not ask for it."""
    nodes = tuple(replace(n, engine_version="24.0.9") for n in (MANAGER, WORKER))
    finding = only(swarm(nodes=nodes), Check.VERSIONS, Verdict.WARNING)
    assert "Set-user-ID programs" in finding.what
    loose = Policy(hardening=Hardening(no_new_privileges=False))
    told = found(replace(swarm(nodes=nodes), policy=loose), Check.VERSIONS)
    assert told[0].verdict is Verdict.OK


def test_an_engine_that_tells_no_version() -> None:
    """Is not called healthy."""
    nodes = (MANAGER, replace(WORKER, engine_version=""))
    assert "worker1" in only(swarm(nodes=nodes), Check.VERSIONS, Verdict.UNKNOWN).what


# -- nodes


def test_a_node_that_is_down() -> None:
    """In the words of `status`."""
    trouble = Trouble("Node", "worker1", "down", "It has been down.", "Bring it back.", True)
    finding = only(store(troubles=(trouble,)), Check.NODES, Verdict.FAILED)
    assert (finding.what, finding.subject) == ("It has been down.", "worker1")


def test_a_node_that_is_down_while_the_store_is_locked() -> None:
    """The engine knows as well."""
    nodes = (MANAGER, replace(WORKER, state="down"))
    facts = replace(swarm(nodes=nodes), store=Missing("The store is locked"))
    assert [f.what for f in found(facts, Check.NODES)] == ["worker1 is down."]


@pytest.mark.parametrize(
    ("seconds", "verdict", "words"),
    [
        (300, Verdict.FAILED, "298 s ahead of"),
        (-300, Verdict.FAILED, "298 s behind"),
        (12, Verdict.WARNING, "10 s ahead of"),
        (-12, Verdict.WARNING, "10 s behind"),
    ],
)
def test_clock_skew_that_a_node_tells(seconds: int, verdict: Verdict, words: str) -> None:
    """Less the time that the question and the answer may have taken."""
    skewed = probe(at=NOW + timedelta(seconds=seconds))
    finding = only(replace(WELL, probes={**PROBES, "id-worker1": skewed}), Check.CLOCK, verdict)
    assert f"The clock of worker1 is {words} this machine's." == finding.what


def test_a_clock_within_the_time_of_the_question_is_right() -> None:
    """It cannot be known better."""
    late = probe(at=NOW + timedelta(seconds=6))
    assert found(replace(WELL, probes={**PROBES, "id-worker1": late}), Check.CLOCK)[0].verdict is (
        Verdict.OK
    )


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(90, Verdict.FAILED), (20, Verdict.WARNING), (-90, Verdict.WARNING), (-3, Verdict.OK)],
)
def test_clock_skew_that_tasks_show(seconds: int, verdict: Verdict) -> None:
    """Without a probe: a report from the future is proof, a late one a sign."""
    shown = task(
        SERVER, "worker1", changed_at=NOW - timedelta(hours=1) + timedelta(seconds=seconds)
    )
    facts = replace(swarm(tasks=(task(HUB, "manager"), shown)), probes={"id-manager": probe()})
    assert found(facts, Check.CLOCK)[0].verdict is verdict


def test_a_report_in_time_clears_a_clock() -> None:
    """One that came late was not the clock's fault then."""
    late = task(SERVER, "worker1", changed_at=NOW - timedelta(hours=2))
    other = task(service("jupyter-bob"), "worker1")
    facts = replace(swarm(tasks=(task(HUB, "manager"), late, other)), probes=Missing("not asked"))
    assert found(facts, Check.CLOCK)[0].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("free", "verdict"), [(5, Verdict.FAILED), (15, Verdict.WARNING), (21, Verdict.OK)]
)
def test_a_disk_that_is_nearly_full(free: int, verdict: Verdict) -> None:
    """A node's, and that of the state."""
    full = Disk(total=100 * GIB, free=free * GIB)
    nodes = {**PROBES, "id-worker1": probe(disk=full)}
    finding = only(replace(WELL, probes=nodes), Check.DISK, verdict)
    if verdict is not Verdict.OK:
        assert f"The disk of worker1 is nearly full: {free}.0 of 100.0 GiB" in finding.what
        assert "swarmhub homes --node worker1 --size" in finding.remedy
    assert only(replace(WELL, state_disk=full), Check.DISK, verdict)


# -- the network


@pytest.mark.parametrize(
    ("servers", "verdict", "left"),
    [(180, Verdict.OK, 70), (190, Verdict.WARNING, 60), (230, Verdict.FAILED, 20)],
)
def test_addresses_nearly_gone(servers: int, verdict: Verdict, left: int) -> None:
    """Each task, each node and each virtual address takes one of 253."""
    many = tuple(task(SERVER, "worker1", id=f"t{n}") for n in range(servers))
    ended = task(SERVER, "worker1", id="old", state=TaskState.SHUTDOWN)
    facts = swarm(tasks=(task(HUB, "manager"), *many, ended))
    assert only(facts, Check.ADDRESSES, verdict).what.startswith(f"{left} of 253 addresses")
    virtual = replace(facts.swarm, services=(service("swarmhub_hub", "vip"), SERVER))
    (finding,) = found(replace(facts, swarm=virtual), Check.ADDRESSES)
    assert finding.what.startswith(f"{left - 1} of 253 addresses")


def test_servers_that_wait_for_an_address() -> None:
    """However many seem to be left."""
    made = NOW - timedelta(minutes=5)
    waits = task(
        SERVER, "worker1", state=TaskState.NEW, addresses={}, node_id=None, created_at=made
    )
    facts = swarm(tasks=(*TASKS, waits))
    assert "servers wait for one (1)" in only(facts, Check.ADDRESSES, Verdict.FAILED).what
    young = replace(waits, created_at=NOW - timedelta(seconds=5))
    assert found(swarm(tasks=(*TASKS, young)), Check.ADDRESSES)[0].verdict is Verdict.OK


def test_no_network() -> None:
    """Nothing can start."""
    finding = found(swarm(networks=()), Check.ADDRESSES)[0]
    assert (finding.verdict, finding.what) == (Verdict.FAILED, f"There is no network {NETWORK}.")


@pytest.mark.parametrize("mode", ["vip", None])
def test_vip_endpoints(mode: str | None) -> None:
    """Which is what a service has that names no mode."""
    finding = only(
        swarm(services=(service("swarmhub_hub", mode), SERVER)), Check.ENDPOINTS, Verdict.FAILED
    )
    assert "virtual address (endpoint mode vip): swarmhub_hub" in finding.what
    assert "--endpoint-mode dnsrr swarmhub_hub" in finding.remedy


def test_vip_endpoints_of_others() -> None:
    """Are theirs to change; off the network they are nobody's business."""
    theirs = service("wiki", "vip", labels={})
    assert only(swarm(services=(HUB, SERVER, theirs)), Check.ENDPOINTS, Verdict.WARNING)
    away = replace(theirs, spec={"Name": "wiki", "TaskTemplate": {}})
    assert found(swarm(services=(HUB, SERVER, away)), Check.ENDPOINTS)[0].verdict is Verdict.OK


def test_name_resolution_broken_on_a_node() -> None:
    """On that node alone."""
    lost = probe(names={"swarmhub_hub": "[Errno -2] Name or service not known"})
    finding = only(
        replace(WELL, probes={**PROBES, "id-worker1": lost}), Check.NAMES, Verdict.FAILED
    )
    assert "worker1 does not find swarmhub_hub" in finding.what
    assert "docker service update --force swarmhub_hub" in finding.remedy


# -- images


def test_a_registry_that_does_not_answer() -> None:
    """This manager; whether it has the images is not known then."""
    answer = Answer(LAB, "127.0.0.1:5000", Kind.UNAVAILABLE, "The registry could not be asked.")
    facts = replace(WELL, answers=(answer, answer))
    (finding,) = found(facts, Check.REGISTRY)
    assert finding.verdict is Verdict.FAILED
    assert "swarmhub_registry" in finding.remedy
    (images,) = found(facts, Check.IMAGES)
    assert images.verdict is Verdict.UNKNOWN
    assert "that do not answer: 127.0.0.1:5000" in images.what


def seen(image: str, manager: Pull, worker: Pull) -> tuple[SeenImage, ...]:
    """Return how an image stands on two nodes."""
    about = {"reference": f"{image}@sha256:1", "since": NOW}
    message = "It could not be pulled: connection refused."
    nodes = (
        OnNode(node_id="id-manager", node="manager", state=manager, **about),
        OnNode(node_id="id-worker1", node="worker1", state=worker, message=message, **about),
    )
    return (SeenImage(image=image, reference=about["reference"], nodes=nodes),)


def test_a_registry_that_a_node_does_not_reach() -> None:
    """The others have its images: it is the node's relay."""
    facts = store(images=seen(LAB, Pull.PRESENT, Pull.FAILED))
    finding = only(facts, Check.REGISTRY, Verdict.FAILED)
    assert "worker1 could not pull" in finding.what
    assert "connection refused" in finding.what
    assert "systemctl status swarmhub-registry.socket" in finding.remedy


def test_a_registry_that_a_probe_cannot_connect_to() -> None:
    """With the reason that the node gave."""
    apart = probe(connections={"registry.example:443": "timed out"})
    facts = replace(WELL, probes={**PROBES, "id-worker1": apart})
    finding = only(facts, Check.REGISTRY, Verdict.FAILED)
    assert "worker1 cannot connect to the registry registry.example:443 (timed out)" in finding.what


def test_a_node_that_pulls_by_a_proxy() -> None:
    """It cannot connect itself, and yet has what it pulls."""
    apart = probe(connections={"registry.example:443": "timed out"})
    image = "registry.example/lab:1"
    has = store(images=seen(image, Pull.PRESENT, Pull.PRESENT))
    facts = replace(has, probes={**PROBES, "id-worker1": apart})
    assert found(facts, Check.REGISTRY)[0].verdict is Verdict.OK


def test_a_registry_of_which_a_node_shows_nothing() -> None:
    """Is not called reachable from there; this manager's own engine was asked."""
    facts = replace(WELL, probes=Missing("no node was asked"))
    (finding,) = found(facts, Check.REGISTRY)
    assert finding.verdict is Verdict.UNKNOWN
    assert "not known from worker1, which pulled nothing" in finding.what
    has = store(images=seen("registry.example/lab:1", Pull.PRESENT, Pull.PRESENT))
    assert found(replace(has, probes={}), Check.REGISTRY)[0].verdict is Verdict.OK


def test_what_runs_on_a_node_came_from_its_registry() -> None:
    """Also by the digest of its image; what ended there shows nothing."""
    lab = service("jupyter-ada", container={"Image": f"{THEIRS}@sha256:1"})
    running = task(lab, "worker1")
    tasks = (task(HUB, "manager"), running)
    facts = replace(swarm(services=(HUB, lab), tasks=tasks), probes=Missing("no node was asked"))
    assert found(facts, Check.REGISTRY)[0].verdict is Verdict.OK
    ended = (tasks[0], replace(running, state=TaskState.SHUTDOWN))
    over = replace(facts, swarm=replace(facts.swarm, tasks=ended))
    assert found(over, Check.REGISTRY)[0].verdict is Verdict.UNKNOWN


def test_a_probe_is_of_an_image_itself() -> None:
    """Which came to the node, though a registry at 127.0.0.1 is none to connect to."""
    facts = replace(WELL, answers=(Answer(LAB, "127.0.0.1:5000"),))
    assert found(facts, Check.REGISTRY)[0].verdict is Verdict.UNKNOWN
    own = "127.0.0.1:5000/swarmhub/operator@sha256:1"
    assert found(replace(facts, errand_image=own), Check.REGISTRY)[0].verdict is Verdict.OK
    silent = {**PROBES, "id-worker1": Missing("it is down")}
    apart = replace(facts, errand_image=own, probes=silent)
    assert found(apart, Check.REGISTRY)[0].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("registry", "place"),
    [
        ("127.0.0.1:5000", ""),
        ("docker.io", "registry-1.docker.io:443"),
        ("quay.io", "quay.io:443"),
        ("r.example:5000", "r.example:5000"),
    ],
)
def test_where_a_registry_is(registry: str, place: str) -> None:
    """Host and port, unless it is each node's own."""
    assert place_of(registry) == place


def test_images_that_no_registry_was_asked_for() -> None:
    """Are not called present."""
    assert found(replace(WELL, unasked=3), Check.IMAGES)[0].verdict is Verdict.UNKNOWN
    assert found(replace(WELL, answers=()), Check.IMAGES)[0].verdict is Verdict.UNKNOWN


def test_an_image_that_is_missing() -> None:
    """The registry has never heard of it; a pull that fails for that is no fault of the node's."""
    answer = Answer(THEIRS, "registry.example", Kind.GONE, "The registry does not know the image.")
    facts = replace(store(images=seen(THEIRS, Pull.FAILED, Pull.FAILED)), answers=(answer,))
    finding = only(facts, Check.IMAGES, Verdict.FAILED)
    assert finding.subject == THEIRS


def test_an_image_behind_a_login() -> None:
    """Which the operator may have, though this command has not."""
    answer = Answer(THEIRS, "registry.example", Kind.REFUSED, "It wants a login.")
    facts = replace(WELL, answers=(answer,))
    assert "REGISTRY_AUTH" in only(facts, Check.IMAGES, Verdict.FAILED).remedy
    had = replace(store(images=seen(THEIRS, Pull.PRESENT, Pull.PRESENT)), answers=(answer,))
    assert found(had, Check.IMAGES)[0].verdict is Verdict.OK


# -- the state


def test_state_on_two_nodes() -> None:
    """By the label, by where its parts run, by a volume that another node has."""
    label = {"swarmhub.state": "true"}
    labelled = swarm(nodes=(MANAGER, replace(WORKER, labels=label)))
    assert "2 nodes have the label" in only(labelled, Check.STATE, Verdict.FAILED).what
    volume = {"Mounts": [{"Type": "volume", "Source": "swarmhub_state"}]}
    hub, operator = (
        service("swarmhub_hub", container=volume),
        service("swarmhub_operator", container=volume),
    )
    tasks = (task(hub, "worker1"), task(operator, "manager"))
    apart = swarm(services=(hub, operator), tasks=tasks)
    what = only(apart, Check.STATE, Verdict.FAILED).what
    assert "swarmhub_hub on worker1, swarmhub_operator on manager" in what
    told = Inventory(
        node_id="id-worker1",
        node="worker1",
        taken_at=NOW,
        volumes=(FoundVolume(name="swarmhub_state"),),
    )
    assert (
        "swarmhub_state on worker1"
        in only(store(inventories=(told,)), Check.STATE, Verdict.WARNING).what
    )


def test_state_on_no_node() -> None:
    """Then nothing is placed."""
    nodes = (replace(MANAGER, labels={}), WORKER)
    assert "No node has the label" in only(swarm(nodes=nodes), Check.STATE, Verdict.FAILED).what


def test_where_the_state_is_while_the_engine_is_down() -> None:
    """As an operator saw the nodes last."""
    silent = Missing("The engine cannot be reached.")
    assert found(swarm(nodes=silent), Check.STATE)[0].verdict is Verdict.OK
    twice = tuple(replace_seen(n) for n in ("manager", "worker1"))
    facts = replace(swarm(nodes=silent), store=replace(STORE, nodes=twice))
    assert found(facts, Check.STATE)[0].verdict is Verdict.FAILED


def replace_seen(name: str) -> Any:
    """Return a node with the label, as the store tells of it."""
    return STORE.nodes[0].model_copy(update={"id": f"id-{name}", "hostname": name})


def test_a_stale_lease() -> None:
    """In the words of `status`; or renewed at a time that is still to come."""
    trouble = Trouble("Operator", "m/7", "Expired", "It has not been seen.", "Look.", True)
    assert (
        only(store(troubles=(trouble,)), Check.LEASE, Verdict.FAILED).what
        == "It has not been seen."
    )
    future = store(renewed_at=NOW + timedelta(seconds=90))
    assert "90 s from now" in only(future, Check.LEASE, Verdict.FAILED).what


@pytest.mark.parametrize("kind", [Reason.SCHEMA_TOO_OLD, Reason.SCHEMA_TOO_NEW])
def test_an_old_schema(kind: Reason) -> None:
    """Is a fault of the schema, not of the store."""
    why = "The state database /x has schema version 5; start the operator once, which migrates it"
    facts = replace(WELL, store=Missing(why, kind))
    (finding,) = found(facts, Check.SCHEMA)
    assert finding.verdict is Verdict.FAILED
    assert finding.what == "The state database /x has schema version 5."
    assert finding.remedy == "Start the operator once, which migrates it."
    assert found(facts, Check.STORE)[0].verdict is Verdict.UNKNOWN


def test_records_are_left_to_status() -> None:
    """Counted, with the next step."""
    serious = Trouble("Notebook", "bob", "Failed", "Killed.", "Look.", True)
    light = Trouble("Notebook", "ada", "BackOff", "It ended.", "Wait.", False)
    finding = only(store(troubles=(serious, light)), Check.RECORDS, Verdict.FAILED)
    assert "notebook bob" in finding.what
    assert only(store(troubles=(light,)), Check.RECORDS, Verdict.WARNING)


# -- trust


@pytest.mark.parametrize(
    ("policy", "verdict", "word"),
    [
        (Policy(allowed_capabilities=("SYS_ADMIN",)), Verdict.FAILED, "SYS_ADMIN"),
        (Policy(allowed_capabilities=("NET_RAW",)), Verdict.WARNING, "NET_RAW"),
        (Policy(allow_root=True), Verdict.WARNING, "run as root"),
        (
            Policy(allow_root=True, hardening=Hardening(drop_capabilities=False)),
            Verdict.FAILED,
            "as root with the engine's usual",
        ),
        (Policy(hardening=Hardening(drop_capabilities=False)), Verdict.WARNING, "capabilities"),
        (Policy(hardening=Hardening(no_new_privileges=False)), Verdict.WARNING, "set-user-ID"),
        (Policy(allowed_volumes=("*",)), Verdict.FAILED, "swarmhub_state"),
        (Policy(allow_volume_options=True), Verdict.WARNING, "any options"),
        (
            Policy(allowed_binds=(AllowedBind(path="/data/all", read_only=False),)),
            Verdict.WARNING,
            "/data/all",
        ),
    ],
)
def test_an_unsafe_policy(policy: Policy, verdict: Verdict, word: str) -> None:
    """Each thing that it allows beyond its defaults."""
    finding = only(replace(WELL, policy=policy), Check.POLICY, verdict)
    assert word in finding.what
    assert finding.remedy


def test_a_policy_that_gives_each_user_a_path() -> None:
    """Is as safe as one without."""
    own = AllowedBind(path="/data/{username}", read_only=False)
    assert found(replace(WELL, policy=Policy(allowed_binds=(own,))), Check.POLICY)[0].verdict is (
        Verdict.OK
    )


def test_a_policy_that_cannot_be_read() -> None:
    """With which no operator starts."""
    facts = replace(WELL, policy=Missing("The policy file /p is wrong: x; correct it."))
    assert only(facts, Check.POLICY, Verdict.FAILED).what.startswith("The policy file /p is wrong")


@pytest.mark.parametrize(
    ("mode", "secret", "verdict"),
    [
        (0o600, True, Verdict.OK),
        (0o640, True, Verdict.FAILED),
        (0o602, True, Verdict.FAILED),
        (0o644, False, Verdict.OK),
        (0o664, False, Verdict.FAILED),
        (0o757, False, Verdict.FAILED),
    ],
)
def test_file_modes(mode: int, secret: bool, verdict: Verdict) -> None:
    """What is secret nobody else reads; what decides nobody else writes."""
    facts = replace(WELL, files=(FileFact("/x", "the file", mode, secret=secret),))
    finding = only(facts, Check.FILES, verdict)
    assert ("chmod" in finding.remedy) is (verdict is Verdict.FAILED)


def test_the_mode_that_is_advised_is_no_fault() -> None:
    """Of any mode at all."""
    for mode in range(0o1000):
        for secret in (True, False):
            facts = replace(WELL, files=(FileFact("/x", "it", mode, secret=secret),))
            (finding,) = found(facts, Check.FILES)
            if finding.verdict is Verdict.FAILED:
                advised = int(finding.remedy.split()[1], 8)
                assert advised & mode == advised
                mended = FileFact("/x", "it", advised, secret=secret)
                assert found(replace(WELL, files=(mended,)), Check.FILES)[0].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("days", "verdict", "word"),
    [
        (-1, Verdict.FAILED, "has run out at"),
        (3, Verdict.FAILED, "(3 days)"),
        (20, Verdict.WARNING, "(20 days)"),
        (40, Verdict.OK, "good until"),
    ],
)
def test_an_expiring_certificate(days: int, verdict: Verdict, word: str) -> None:
    """In time, and after it."""
    ends = NOW + timedelta(days=days, hours=1)
    facts = replace(WELL, certificates=(Certificate("the certificate", ends, "Renew it."),))
    assert word in only(facts, Check.CERTIFICATES, verdict).what


def test_a_certificate_that_nobody_shows() -> None:
    """Is not called good."""
    silent = Certificate("the certificate", Missing("10.0.0.3:8000 shows none"), "Renew it.")
    assert only(replace(WELL, certificates=(silent,)), Check.CERTIFICATES, Verdict.UNKNOWN)
