"""The operator's engine adapter and the service spec it sends, held to a real engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from support import swarm_services
from support.fixtures import overlay_network
from support.node import Node
from support.waiting import wait_for
from swarmhub_crds.base import Metadata
from swarmhub_crds.home import Home, HomeSpec, HomeStatus
from swarmhub_crds.notebook import Mount, Notebook, NotebookSpec, Resources
from swarmhub_operator.decide.build import (
    Placement,
    Wanted,
    ownership,
    secret_file,
    secret_name,
    service_spec,
)
from swarmhub_operator.decide.drift import drift
from swarmhub_operator.engine.docker_engine import DockerEngine
from swarmhub_operator.engine.ends import Ends
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.news import News
from swarmhub_operator.engine.observed import Service, Task, TaskState

STORE = "0123456789abcdef"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NETWORK = "contract-notebooks"
MIB = 2**20


def _metadata(name: str, uid: str) -> Metadata:
    return Metadata(
        name=name, uid=uid, generation=1, resource_version=1, created_at=NOW, updated_at=NOW
    )


@pytest.fixture(scope="module")
def network(engine: Node) -> Iterator[str]:
    """Make the notebooks' network, and remove it after whatever is still on it."""
    with overlay_network(engine, NETWORK) as made:
        yield made


@pytest.fixture
def adapter(engine: Node) -> DockerEngine:
    """Return the operator's own way to the engine."""
    return DockerEngine(engine.socket)


def _wanted(name: str, image: str, command: tuple[str, ...], **spec: object) -> Wanted:
    volume = f"home-{name}"
    home = Home(
        metadata=_metadata(volume, f"home-uid-{name}"),
        spec=HomeSpec(user=name),
        status=HomeStatus(),
    )
    notebook = Notebook(
        metadata=_metadata(name, f"uid-{name}"),
        spec=NotebookSpec.model_validate(
            {
                "user": name,
                "image": image,
                "command": command,
                "networks": (NETWORK,),
                "environment": {"PLAIN": "a b"},
                "secretDigest": "ab" * 32,
                "resources": Resources(
                    cpu_limit=1.5, cpu_guarantee=0.1, mem_limit=256 * MIB, mem_guarantee=16 * MIB
                ),
                "mounts": (Mount(volume=volume, target="/data", home=True),),
                "labels": {"site": "test"},
                "workingDir": "/tmp",
                "containerUser": "65534:65534",
                **spec,
            }
        ),
    )
    return Wanted(notebook, STORE, {volume: home})


def _start(adapter: DockerEngine, wanted: Wanted, environment: dict[str, str]) -> str:
    name = secret_name(wanted.notebook)
    assert name is not None
    secret = adapter.create_secret(name, secret_file(environment), ownership(wanted))
    placement = Placement(image=wanted.spec.image)
    return adapter.create_service(service_spec(wanted, placement, secret))


def _service(adapter: DockerEngine, notebook: str) -> Service:
    return next(s for s in adapter.services(STORE) if s.labels["swarmhub.notebook"] == notebook)


def _newest(adapter: DockerEngine, service_id: str) -> Task:
    tasks = [t for t in adapter.tasks(STORE) if t.service_id == service_id]
    return max(tasks, key=lambda t: t.created_at)


def _wait_state(adapter: DockerEngine, service_id: str, state: TaskState) -> Task:
    def found() -> Task | None:
        tasks = [t for t in adapter.tasks(STORE) if t.service_id == service_id]
        newest = max(tasks, key=lambda t: t.created_at, default=None)
        return newest if newest and newest.state is state else None

    task = wait_for(f"a task to be {state}", found, timeout=30)
    assert task is not None
    return task


def test_service_runs_as_built_and_reads_back_without_drift(
    engine: Node, adapter: DockerEngine, network: str, tiny: str
) -> None:
    """What we set is what the engine says it has; defaults merged in are no drift."""
    tricky = 'it\'s $HOME `x` "q" \\ \n line2'
    script = 'printf "%s|%s" "$TOKEN" "$PLAIN" > /tmp/seen; exec sleep 600'
    wanted = _wanted("alice", tiny, ("sh", "-c", script))
    service_id = _start(adapter, wanted, {"TOKEN": tricky})
    task = _wait_state(adapter, service_id, TaskState.RUNNING)
    assert list(task.addresses) == [network]
    service = _service(adapter, "alice")
    secret = adapter.secrets(STORE)[0]
    again = service_spec(wanted, Placement(image=tiny), secret.id)
    assert drift(again, service.spec) == ()
    container = engine.docker("ps", "--quiet", "--filter", "label=swarmhub.notebook=alice").strip()
    seen = engine.docker("exec", container, "cat", "/tmp/seen")
    assert seen == f"{tricky}|a b"
    assert tricky not in engine.docker("service", "inspect", service_id)
    volume = adapter.find_volume("home-alice")
    assert volume is not None
    assert volume.labels == {
        "swarmhub.store": STORE,
        "swarmhub.home": "home-alice",
        "swarmhub.uid": "home-uid-alice",
        "swarmhub.user": "alice",
    }
    assert adapter.services(STORE, "alice") == (service,)
    assert adapter.secrets(STORE, "alice") == (secret,)
    assert {t.id for t in adapter.tasks(STORE, "alice")} == {task.id}
    for other in ("alic", "alice2", "Alice"):
        for alone in (adapter.services, adapter.tasks, adapter.secrets):
            assert alone(STORE, other) == ()
    assert adapter.services("f" * 16, "alice") == ()
    adapter.remove_service(service_id)
    assert {t.id for t in adapter.tasks(STORE, "alice")} == {task.id}  # it is still to end
    adapter.remove_secret(secret.id)


def _put_right(adapter: DockerEngine, name: str, spec: Mapping[str, Any]) -> None:
    """Update the service; Swarm raises its version when an update of it comes to its end."""

    def is_taken() -> bool:
        service = _service(adapter, name)
        try:
            adapter.update_service(service.id, service.version, spec)
        except EngineError as error:
            if error.kind is Kind.STALE:
                return False
            raise
        return True

    wait_for(f"the update of {name} to be of its newest version", is_taken, timeout=30)


def test_each_change_behind_our_back_is_named(
    engine: Node, adapter: DockerEngine, network: str, tiny: str
) -> None:
    """Scaling, another image, more environment, lost labels: all of it is drift."""
    wanted = _wanted("bob", tiny, ("sleep", "600"))
    service_id = _start(adapter, wanted, {"TOKEN": "x"})
    secret = next(s for s in adapter.secrets(STORE) if s.labels["swarmhub.notebook"] == "bob")
    spec = service_spec(wanted, Placement(image=tiny), secret.id)
    changes = {
        "Mode.Replicated.Replicas": ("--replicas", "0"),
        "TaskTemplate.ContainerSpec.Image": ("--image", "127.0.0.1:5000/test/other"),
        "TaskTemplate.ContainerSpec.Env": ("--env-add", "EVIL=1"),
        "Labels.swarmhub.uid": ("--label-add", "swarmhub.uid=other"),
        "TaskTemplate.RestartPolicy.Condition": ("--restart-condition", "any"),
        "TaskTemplate.Resources.Limits.MemoryBytes": ("--limit-memory", "1G"),
        "TaskTemplate.ContainerSpec.CapabilityAdd": ("--cap-add", "SYS_ADMIN"),
        "TaskTemplate.ContainerSpec.Command": ("--entrypoint", "sh"),
        "TaskTemplate.ContainerSpec.Hosts": ("--host-add", "evil:10.0.0.1"),
    }
    for path, options in changes.items():
        swarm_services.update(engine, service_id, "--no-resolve-image", *options)
        service = _service(adapter, "bob")
        assert path in drift(spec, service.spec)
        _put_right(adapter, "bob", spec)
        assert drift(spec, _service(adapter, "bob").spec) == ()
    adapter.remove_service(service_id)


def test_a_log_comes_as_it_is_written(
    engine: Node, adapter: DockerEngine, network: str, tiny: str
) -> None:
    """Piece by piece while it is followed, and whole afterwards; only the end, if so asked."""
    script = (
        "echo one; echo two >&2; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo three; sleep 600"
    )
    service_id = _start(adapter, _wanted("fay", tiny, ("sh", "-c", script)), {"TOKEN": "x"})
    task = _wait_state(adapter, service_id, TaskState.RUNNING)
    pieces = adapter.stream_log(task.id, {"tail": "all", "follow": "1"})
    assert sorted((next(pieces), next(pieces))) == [b"one\n", b"two\n"]
    engine.docker("exec", task.container, "touch", "/tmp/go")
    assert next(pieces) == b"three\n"
    assert sorted(adapter.stream_log(task.id, {"tail": "all"})) == [b"one\n", b"three\n", b"two\n"]
    assert list(adapter.stream_log(task.id, {"tail": "1"})) == [b"three\n"]
    adapter.remove_service(service_id)


def test_failed_task_tells_exit_code_and_log_and_a_raised_counter_starts_anew(
    adapter: DockerEngine, network: str, tiny: str
) -> None:
    """Restart policy none leaves a failed task alone until ForceUpdate is raised."""
    wanted = _wanted("carol", tiny, ("sh", "-c", "echo out; echo oops >&2; exit 7"))
    service_id = _start(adapter, wanted, {"TOKEN": "x"})
    task = _wait_state(adapter, service_id, TaskState.FAILED)
    assert task.exit_code == 7
    assert sorted(adapter.task_log(task.id, 20)) == ["oops", "out"]
    time.sleep(2)
    assert _newest(adapter, service_id).id == task.id
    service = _service(adapter, "carol")
    secret = next(s for s in adapter.secrets(STORE) if s.labels["swarmhub.notebook"] == "carol")
    placement = Placement(image=tiny, force_update=1, supersedes=task.id)
    adapter.update_service(service.id, service.version, service_spec(wanted, placement, secret.id))
    wait_for("a second task", lambda: _newest(adapter, service_id).id != task.id, timeout=30)
    assert _service(adapter, "carol").force_update == 1
    adapter.remove_service(service_id)


def test_ends_are_listed_apart_and_told_by_events(
    adapter: DockerEngine, network: str, tiny: str
) -> None:
    """However it ended; what runs is not among them. An event of a container tells whose it is."""
    told: list[News] = []
    over = threading.Event()

    def listen() -> None:
        for news in adapter.events(60):
            told.append(news)
            if over.is_set():
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    time.sleep(0.5)
    ends = Ends(adapter, STORE)
    ends.news()
    commands = {"gus": "sleep 600", "hal": "sleep 1; exit 3", "ivy": "sleep 1"}
    made = {
        name: _start(adapter, _wanted(name, tiny, ("sh", "-c", command)), {"TOKEN": "x"})
        for name, command in commands.items()
    }
    found: set[str] = set()

    def ended() -> bool:
        found.update(ends.news())
        return found >= {"hal", "ivy"}

    wait_for("both ends to be listed", ended, timeout=30)
    _wait_state(adapter, made["gus"], TaskState.RUNNING)
    assert found == {"hal", "ivy"}
    states = {task.notebook: task.state for task in adapter.ending_tasks(STORE)}
    assert states == {"hal": TaskState.FAILED, "ivy": TaskState.COMPLETE}
    assert ends.news() == frozenset()
    over.set()
    for service_id in made.values():
        adapter.remove_service(service_id)
    listener.join(30)
    died = {news.notebook for news in told if (news.kind, news.action) == ("container", "die")}
    assert died >= {"hal", "ivy"}
    services = {news.id for news in told if (news.kind, news.action) == ("service", "create")}
    assert services == set(made.values())


def test_refusals_have_their_kinds(
    engine: Node, adapter: DockerEngine, network: str, tiny: str
) -> None:
    """A taken name, a stale version, a secret in use, a thing that is gone: each is told apart."""
    wanted = _wanted("dora", tiny, ("sleep", "600"))
    service_id = _start(adapter, wanted, {"TOKEN": "x"})
    service = _service(adapter, "dora")
    secret = next(s for s in adapter.secrets(STORE) if s.labels["swarmhub.notebook"] == "dora")
    spec = service_spec(wanted, Placement(image=tiny), secret.id)

    def kind(call: object) -> Kind:
        assert callable(call)
        with pytest.raises(EngineError) as caught:
            call()
        assert caught.value.sentence.endswith(".")
        return caught.value.kind

    assert kind(lambda: adapter.create_service(spec)) is Kind.TAKEN
    assert kind(lambda: adapter.create_secret(secret.name, b"x", {})) is Kind.TAKEN
    assert kind(lambda: adapter.update_service(service.id, service.version - 1, spec)) is Kind.STALE
    assert kind(lambda: adapter.remove_secret(secret.id)) is Kind.IN_USE
    bad = {**spec, "Name": "not a name"}
    assert kind(lambda: adapter.create_service(bad)) is Kind.REFUSED
    adapter.remove_service(service_id)
    assert kind(lambda: adapter.remove_service(service_id)) is Kind.GONE
    adapter.remove_secret(secret.id)
    assert kind(lambda: adapter.remove_secret(secret.id)) is Kind.GONE
    assert kind(lambda: adapter.remove_volume("no-such-volume")) is Kind.GONE
    assert adapter.find_volume("no-such-volume") is None
    nowhere = DockerEngine("unix:///nonexistent/docker.sock")
    assert kind(nowhere.nodes) is Kind.UNAVAILABLE


def test_look_ups_are_exact_and_ours(
    engine: Node, adapter: DockerEngine, network: str, tiny: str
) -> None:
    """The engine's name filter matches prefixes, ours does not; foreign services stay unseen."""
    engine.docker("service", "create", "--detach", "--name", "jupyter-eve2", tiny, "sleep", "600")
    assert adapter.find_service("jupyter-eve") is None
    found = adapter.find_service("jupyter-eve2")
    assert found is not None
    assert found.name not in {s.name for s in adapter.services(STORE)}
    assert adapter.own_node_id() == engine.client.info()["Swarm"]["NodeID"]
    node = adapter.nodes()[0]
    assert (node.hostname, node.usable, node.cpus >= 1) == ("engine", True, True)
    with pytest.raises(EngineError, match="could not be asked"):
        adapter.resolve_image(tiny)
    assert adapter.own_image(tiny) == engine.client.images.get(tiny).id
    assert adapter.own_image("no/such:image") is None
    engine.docker("service", "rm", "jupyter-eve2")
