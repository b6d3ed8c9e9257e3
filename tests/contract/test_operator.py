"""The whole operator against a real engine; only the readiness probe is replaced.

The probe asks a notebook at its overlay address, which this process cannot reach; the whole
product is tried in tests/swarm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import swarm_services
from support.fixtures import overlay_network
from support.node import Node
from support.waiting import wait_for
from swarmhub_crds.home import HomePhase, HomeSpec, Reclaim
from swarmhub_crds.names import slug
from swarmhub_crds.notebook import (
    Desired,
    Mount,
    Notebook,
    NotebookSpec,
    NotebookStatus,
    Phase,
    Resources,
)
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, RestartPolicy, SweepPolicy
from swarmhub_operator.engine.docker_engine import READ_TIMEOUT, DockerEngine
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.assemble import assemble
from swarmhub_operator.loop.controller import Controller
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.settings import Settings

NETWORK = "operator-notebooks"
POLICY = Policy(
    allowed_volumes=("home-*",),
    home_grace=0.5,
    restart=RestartPolicy(budget=2, base_delay=0.5),
    sweep=SweepPolicy(interval=0.5, grace=1.0),
)
SLEEP = ("sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait")
TIB = 2**40


@pytest.fixture(scope="module")
def network(engine: Node) -> Iterator[str]:
    """Make the notebooks' network, and remove it after whatever is still on it."""
    with overlay_network(engine, NETWORK) as made:
        yield made


@dataclass
class Operator:
    """An operator in this process, which can be stopped and started again."""

    store: Store
    engine: Node
    image: str
    pulse: Pulse = field(default_factory=Pulse)
    _running: tuple[Controller, Leadership] | None = None

    def start(self) -> None:
        """Take the lease and begin to reconcile."""
        settings = Settings(docker_host=self.engine.socket, network=NETWORK, policy=POLICY)
        leadership = Leadership(
            self.store, f"test-{threading.get_ident()}", SignOfLife(self.store.path)
        )
        assert leadership.acquire()
        adapter = DockerEngine(self.engine.socket)
        controller = assemble(
            self.store, adapter, leadership, settings, self.pulse, ask=lambda _: True
        )
        controller.start(workers=2)
        self._running = (controller, leadership)

    def stop(self) -> None:
        """Stop reconciling and give the lease back."""
        if self._running is not None:
            controller, leadership = self._running
            controller.stop(8.0)
            leadership.release()
            self._running = None

    def spec(self, user: str, command: tuple[str, ...] = SLEEP, **extra: object) -> NotebookSpec:
        """Return a spec that runs `command`."""
        base: dict[str, object] = {
            "user": user,
            "image": self.image,
            "command": command,
            "networks": (NETWORK,),
            "desired": Desired.RUNNING,
            "mounts": (Mount(volume=f"home-{slug(user)}", target="/data", home=True),),
        }
        return NotebookSpec.model_validate({**base, **extra})

    def apply(self, spec: NotebookSpec, reclaim: Reclaim = Reclaim.RETAIN) -> Notebook:
        """Write down what should be, as the spawner does."""
        homes = {m.volume: HomeSpec(user=spec.user, reclaim=reclaim) for m in spec.mounts}
        return self.store.apply_notebook(spec, homes=homes, secrets={"TOKEN": "s3cret"})

    def status(self, name: str) -> NotebookStatus:
        """Return what is."""
        record = self.store.get_notebook(name)
        assert isinstance(record, Notebook)
        return record.status

    def wait(self, name: str, phase: Phase, timeout: float = 30) -> NotebookStatus:
        """Wait until a notebook's newest generation is in a phase."""

        def there() -> bool:
            record = self.store.get_notebook(name)
            assert isinstance(record, Notebook)
            seen = record.status.observed_generation == record.metadata.generation
            return seen and record.status.phase is phase

        wait_for(f"{name} to be {phase}", there, timeout=timeout)
        return self.status(name)

    def run(self, user: str, **extra: object) -> NotebookStatus:
        """Start a notebook and wait until it runs."""
        self.apply(self.spec(user, **extra))  # type: ignore[arg-type]
        return self.wait(user, Phase.RUNNING)

    def containers(self, name: str) -> list[str]:
        """Return the running containers of a notebook."""
        label = f"label=swarmhub.notebook={name}"
        return self.engine.docker("ps", "--quiet", "--filter", label).split()

    def names(self, what: str, *options: str) -> list[str]:
        """Return the names of all services or secrets."""
        return self.engine.docker(what, "ls", *options, "--format", "{{.Name}}").split()

    def ours(self, what: str) -> list[str]:
        """Return the names of the services or secrets of this operator's store."""
        return self.names(what, "--filter", f"label=swarmhub.store={self.store.uid}")


@pytest.fixture
def operator(engine: Node, network: str, tiny: str, tmp_path: Path) -> Iterator[Operator]:
    """Yield a running operator with a store of its own; its services end with it."""
    made = Operator(Store.open(f"sqlite:///{tmp_path}/state.db"), engine, tiny)
    made.start()
    yield made
    made.stop()
    label = f"label=swarmhub.store={made.store.uid}"
    for what in ("service", "secret"):
        left = engine.docker(what, "ls", "--quiet", "--filter", label).split()
        if left:
            engine.docker(what, "rm", *left)
    made.store.close()


def test_start_and_stop(operator: Operator) -> None:
    """A record becomes a service with a secret and a volume; a stop leaves only the volume."""
    status = operator.run("alice")
    assert status.address == "http://jupyter-alice---g1:8888"
    assert (status.node, status.restarts, status.message) == ("engine", 0, "")
    home = operator.store.get_home("home-alice")
    assert home is not None
    assert home.status is not None
    assert home.status.phase == HomePhase.BOUND
    operator.store.set_desired("alice", Desired.STOPPED)
    status = operator.wait("alice", Phase.STOPPED)
    assert operator.ours("service") == []
    wait_for("the secret to go", lambda: operator.ours("secret") == [])
    record = operator.store.get_notebook("alice")
    assert isinstance(record, Notebook)
    wait_for(
        "the token to be erased",
        lambda: operator.store.secret_environment(record.metadata.uid) == {},
    )
    assert "home-alice" in operator.engine.docker("volume", "ls", "--quiet").split()


def test_start_after_stop_runs_under_a_new_address(operator: Operator) -> None:
    """A new start is never told ready by the container of the last one."""
    first = operator.run("amy")
    operator.store.set_desired("amy", Desired.STOPPED)
    second = operator.run("amy")
    assert first.address != second.address
    assert first.service_id != second.service_id
    assert len(operator.ours("service")) == 1


def test_killed_server_comes_back(operator: Operator) -> None:
    """Being killed (-9) costs one restart, and the address stays."""
    before = operator.run("bob")
    operator.engine.docker("kill", *operator.containers("bob"))
    wait_for("a restart", lambda: operator.status("bob").restarts == 1)
    after = operator.wait("bob", Phase.RUNNING)
    assert (after.address, after.service_id) == (before.address, before.service_id)
    assert (after.failures, after.exit_code) == (1, 137)
    assert len(operator.containers("bob")) == 1


def test_crash_loop_is_given_up_with_a_reason(operator: Operator) -> None:
    """Two restarts, then Failed with exit code and last log lines."""
    operator.apply(operator.spec("carl", ("sh", "-c", "echo boom; exit 3")))
    status = operator.wait("carl", Phase.FAILED, timeout=40)
    assert (status.exit_code, status.restarts, status.failures) == (3, 2, 3)
    assert status.last_log == ("boom",)
    assert "exit code 3" in status.message


def test_image_that_does_not_exist_is_a_reason(operator: Operator) -> None:
    """The sentence names the image."""
    operator.apply(operator.spec("dan", image="127.0.0.1:5000/no/such:image"))
    status = operator.wait("dan", Phase.FAILED)
    assert "127.0.0.1:5000/no/such:image could not be pulled" in status.message


def test_memory_that_no_node_has_is_a_reason(operator: Operator) -> None:
    """It is refused at once, with the nodes' sizes."""
    operator.apply(operator.spec("eve", resources=Resources(mem_guarantee=TIB)))
    status = operator.wait("eve", Phase.FAILED)
    assert "No node is large enough for the 1 TiB of memory" in status.message
    assert operator.ours("service") == []


@pytest.mark.parametrize("user", ["../../etc", "{{.Node.ID}}", "-rf /", "Ünï@x.org", "x" * 200])
def test_hostile_user_gets_a_plain_notebook(operator: Operator, user: str) -> None:
    """Whatever a username holds, names are legal, nothing is expanded and no path is left."""
    spec = operator.spec(user, environment={"JUPYTERHUB_USER": user})
    name = operator.apply(spec).metadata.name
    status = operator.wait(name, Phase.RUNNING)
    assert operator.ours("service") == [f"jupyter-{name}"]
    environment = operator.engine.docker("exec", *operator.containers(name), "env")
    assert f"JUPYTERHUB_USER={user}" in environment
    assert status.node == "engine"


def test_removed_service_is_back(operator: Operator) -> None:
    """Removed behind our back, with a foreign service left alone."""
    first = operator.run("fred")
    operator.engine.docker("service", "rm", "jupyter-fred")
    wait_for("a new service", lambda: operator.status("fred").service_id != first.service_id)
    operator.wait("fred", Phase.RUNNING)


@pytest.mark.parametrize(
    "change",
    [
        ("--replicas", "0"),
        ("--image", "127.0.0.1:5000/test/other"),
        ("--env-add", "EVIL=1"),
    ],
    ids=lambda c: c[0],
)
def test_changed_service_is_put_right(operator: Operator, change: tuple[str, str]) -> None:
    """Scaled to 0, another image, more environment: repaired, and no failure is counted."""
    operator.run("gina")
    swarm_services.update(operator.engine, "jupyter-gina", "--no-resolve-image", *change)

    def right() -> bool:
        spec = operator.engine.client.services.get("jupyter-gina").attrs["Spec"]
        container = spec["TaskTemplate"]["ContainerSpec"]
        return (
            spec["Mode"]["Replicated"]["Replicas"] == 1
            and container["Image"] == operator.image
            and list(container["Env"]) == ["TINI_SUBREAPER=1"]
        )

    wait_for("the service to be right", right)
    wait_for("one container", lambda: len(operator.containers("gina")) == 1, timeout=40)
    status = operator.wait("gina", Phase.RUNNING)
    assert status.failures == 0


def _service(operator: Operator, name: str, **labels: str) -> None:
    """Make a service by hand."""
    given = [
        part for key, value in labels.items() for part in ("--label", f"swarmhub.{key}={value}")
    ]
    command = ("service", "create", "--detach", *given, "--name", name)
    operator.engine.docker(*command, operator.image, "sleep", "600")


def test_only_what_is_known_to_be_deleted_is_garbage(operator: Operator) -> None:
    """Not a plain service, nor another store's, nor one of ours that the store knows nothing of."""
    operator.run("ghost")
    record = operator.store.request_deletion("ghost")
    assert isinstance(record, Notebook)
    wait_for("the record to go", lambda: operator.store.get_notebook("ghost") is None)
    store = operator.store.uid
    _service(operator, "plain")
    _service(operator, "theirs", store="someone-else")
    _service(operator, "forgotten", store=store, notebook="forgotten", uid="forgotten")
    _service(operator, "ghost", store=store, notebook="ghost", uid=record.metadata.uid)
    operator.run("hank")
    try:
        wait_for("the orphan to go", lambda: "ghost" not in operator.names("service"))
        wait_for("what is held to be told", lambda: len(operator.store.list_held()) == 2)
        assert {"forgotten", "theirs", "plain", "jupyter-hank"} == set(operator.names("service"))
        held = [h.id for h in operator.store.list_held() if h.kind == "service"]
        operator.store.confirm_removals(held)
        wait_for("what was confirmed", lambda: "forgotten" not in operator.names("service"))
        assert {"theirs", "plain", "jupyter-hank"} == set(operator.names("service"))
    finally:
        operator.engine.docker("service", "rm", "theirs", "plain")


def test_taken_name_is_refused_with_a_sentence(operator: Operator) -> None:
    """A foreign service of the notebook's name stays, and the user is told."""
    operator.engine.docker(
        "service", "create", "--detach", "--name", "jupyter-ida", operator.image, "sleep", "600"
    )
    operator.apply(operator.spec("ida"))
    status = operator.wait("ida", Phase.FAILED)
    assert "jupyter-ida exists that this hub did not make" in status.message
    assert operator.names("service") == ["jupyter-ida"]
    operator.engine.docker("service", "rm", "jupyter-ida")


@pytest.mark.parametrize("reclaim", list(Reclaim))
def test_deletion_obeys_the_reclaim_policy(operator: Operator, reclaim: Reclaim) -> None:
    """Service, secret and record go; the home stays or goes as the policy says."""
    user = f"jo-{reclaim.lower()}"
    operator.apply(operator.spec(user), reclaim)
    operator.wait(user, Phase.RUNNING)
    operator.store.request_deletion(user)
    wait_for("the record to go", lambda: operator.store.get_notebook(user) is None)
    assert operator.ours("service") == []
    assert operator.ours("secret") == []

    def volumes() -> list[str]:
        return operator.engine.docker("volume", "ls", "--quiet").split()

    if reclaim is Reclaim.DELETE:
        name = f"home-{user}"
        wait_for("the home to go", lambda: operator.store.get_home(name) is None, timeout=40)
        assert f"home-{user}" not in volumes()
    else:
        home = operator.store.get_home(f"home-{user}")
        assert home is not None
        assert home.status is not None
        assert home.status.phase == HomePhase.RELEASED
        assert f"home-{user}" in volumes()


def test_operator_restart_adopts_what_runs(operator: Operator) -> None:
    """A new operator process changes nothing about a notebook that is as it should be."""
    before = operator.run("kim")
    containers = operator.containers("kim")
    operator.stop()
    operator.start()
    operator.run("kim-2")
    after = operator.status("kim")
    assert (after.service_id, after.task_id) == (before.service_id, before.task_id)
    assert operator.containers("kim") == containers


def test_stop_while_the_operator_is_down_happens_later(operator: Operator) -> None:
    """The record is the truth: whoever comes next acts on it."""
    operator.run("lea")
    operator.stop()
    operator.store.set_desired("lea", Desired.STOPPED)
    operator.start()
    operator.wait("lea", Phase.STOPPED)
    assert operator.ours("service") == []


def test_calls_per_look_do_not_grow(operator: Operator) -> None:
    """Four notebooks cost as many list calls as one."""
    for user in ("m1", "m2", "m3", "m4"):
        operator.apply(operator.spec(user))
    for user in ("m1", "m2", "m3", "m4"):
        operator.wait(user, Phase.RUNNING)
    calls: list[str] = []

    class Counting(DockerEngine):
        def _call(self, request: Callable[[Any], Any], timeout: int = READ_TIMEOUT) -> Any:
            calls.append("call")
            return super()._call(request, timeout)

    from swarmhub_operator.engine.observer import Observer  # noqa: PLC0415

    observer = Observer(Counting(operator.engine.socket), operator.store.uid)
    snapshot = observer.look(0.0)
    assert len(snapshot.services) == 4
    assert len(calls) == 4
