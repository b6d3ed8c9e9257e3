"""What users, the hub and fate do in a run: each workload waits as the hub waits.

A hub writes, and writes again while it cannot; then it waits for what the operator says. So a
fault delays a workload and does not change it, and its end can be compared with that of a run
without faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from simswarm.programs import SERVER, Program
from simswarm.raw import Raw
from simswarm.world import Durations, World
from simulation.driver import NETWORK, Simulation
from swarmhub_crds.errors import Conflict, StoreError, StoreUnavailable
from swarmhub_crds.home import Home, HomePhase, HomeSpec, Reclaim
from swarmhub_crds.names import notebook_name, service_name
from swarmhub_crds.notebook import Desired, Mount, Notebook, NotebookSpec, Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.bounds import NotebookBounds, ProcessBounds
from swarmhub_operator.decide.policy import Hardening, Policy, RestartPolicy, SweepPolicy
from swarmhub_operator.decide.prepull_policy import PrepullPolicy
from swarmhub_operator.engine import labels

T = TypeVar("T")
Script = Iterator[None]

WITHIN = 240.0  # seconds of virtual time that a hub has patience
AGAIN = 1.0  # seconds until a hub repeats a write that failed
ERRANDS = "registry/operator:1"
BROKEN = ["broken"]  # the end of a command whose server ends at once
ENDS = Program(runs_for=1.0, exit_code=3, answers_after=None, log=((1, "boom"),))
USUAL = Durations()
POLICY = Policy(
    allowed_volumes=("home-*",),
    home_grace=3.0,
    node_grace=2.0,
    restart=RestartPolicy(budget=1, base_delay=1.0),
    sweep=SweepPolicy(interval=5.0, grace=4.0),
    prepull=PrepullPolicy(enabled=False),  # its services would be among the calls that are counted
)
# Of an operator that added nothing of its own to a service.
UNHARDENED = POLICY.model_copy(
    update={
        "hardening": Hardening(drop_capabilities=False, no_new_privileges=False, init=False),
        "notebook": NotebookBounds(processes=ProcessBounds(default=0)),
    }
)


@dataclass(frozen=True)
class Workload:
    """Something that users, the hub and fate do.

    Attributes:
        name: as it is called on a command line.
        script: does it, in a simulation that has just begun; yields once, when all that other
            workloads do as well is over.
        nodes: the workers beside the manager.
        durations: how long the Swarm takes.
        updates: how many updates of services it costs.
        errands: whether the operator has an image that it can send to other nodes.
        patience: looks, beside the usual ones, that a crash may add until the end is reached.
        policy: of the first operator.
    """

    name: str
    script: Callable[[Simulation], Script]
    nodes: tuple[str, ...] = ()
    durations: Durations = USUAL
    updates: int = 0
    errands: bool = False
    patience: int = 0
    policy: Policy = field(default=POLICY, compare=False)

    def act(self, sim: Simulation) -> None:
        """Do all of it."""
        for _ in self.script(sim):
            pass

    def simulation(self, folder: Path, seed: int) -> Simulation:
        """Return a simulation for it to act in."""
        world = World(seed, behaviour=_behaviour, durations=self.durations)
        image = ERRANDS if self.errands else ""
        return Simulation(
            folder, seed, self.policy, world=world, nodes=self.nodes, errand_image=image
        )


def _behaviour(_image: str, command: Sequence[str]) -> Program:
    return ENDS if command[-1:] == BROKEN else SERVER


@dataclass(frozen=True)
class Server:
    """One server of a user, as the hub handles it.

    Attributes:
        sim: where.
        user: whose.
        server: its name; "" for the default one.
        homes: reclaim policies by volume.
    """

    sim: Simulation
    user: str
    server: str = ""
    homes: Mapping[str, Reclaim] | None = None

    @property
    def name(self) -> str:
        """Name of its record."""
        return notebook_name(self.user, self.server)

    @property
    def service(self) -> str:
        """Name of its service."""
        return service_name(self.name)

    def record(self) -> Notebook | None:
        """Return its record, or None if there is none or it cannot be read now."""
        try:
            record = self.sim.store.get_notebook(self.name)
        except StoreError:
            return None
        return record if isinstance(record, Notebook) else None

    def write(self, token: str, **values: Any) -> None:
        """Write down that it should run."""
        what = f"to write {self.name}"
        patiently(self.sim, what, lambda store: self.apply(store, token, **values))

    def apply(self, store: Store, token: str, **values: Any) -> None:
        """Write down that it should run, once."""
        homes = self.homes or {}
        given: dict[str, Any] = {"image": "registry/lab:1", "command": ("start",), **values}
        spec = NotebookSpec(
            user=self.user,
            server=self.server,
            networks=(NETWORK,),
            desired=Desired.RUNNING,
            mounts=tuple(Mount(volume=v, target=f"/mnt/{v}", home=True) for v in homes),
            **given,
        )
        kept = {
            volume: HomeSpec(user=self.user, server=self._owner(volume), reclaim=reclaim)
            for volume, reclaim in homes.items()
        }
        store.apply_notebook(spec, homes=kept, secrets={"TOKEN": token})

    def _owner(self, volume: str) -> str:
        return self.server if self.server and volume.endswith(self.server) else ""

    def start(self, token: str = "first", **values: Any) -> None:
        """Start it, and wait until it answers."""
        self.write(token, **values)
        await_(self.sim, f"{self.name} runs", lambda: self.phase() is Phase.RUNNING)

    def phase(self) -> Phase | None:
        """Return the phase of what was last asked for, or None before it was acted upon."""
        record = self.record()
        if record is None or record.status.observed_generation != record.metadata.generation:
            return None
        return record.status.phase

    def stop(self) -> None:
        """Stop it, and wait until it has; a failure stays readable."""
        patiently(
            self.sim,
            f"to stop {self.name}",
            lambda store: store.set_desired(self.name, Desired.STOPPED),
        )
        ended = (Phase.STOPPED, Phase.FAILED)
        await_(self.sim, f"{self.name} has stopped", lambda: self.phase() in ended)

    def delete(self) -> None:
        """Delete it for good, and wait until its record is gone."""
        patiently(
            self.sim,
            f"to delete {self.name}",
            lambda store: store.request_deletion(self.name),
        )
        await_(self.sim, f"{self.name} is gone", lambda: is_gone(self.sim, self.name))

    def fail(self) -> None:
        """Let its process be killed, and wait until it runs again."""
        record = self.record()
        before = record.status.restarts if record else 0
        self.sim.swarm.kill(self.sim.swarm.tasks_of(self.service)[-1]["ID"])

        def is_back() -> bool:
            found = self.record()
            return self.phase() is Phase.RUNNING and bool(found and found.status.restarts > before)

        await_(self.sim, f"{self.name} runs again", is_back)

    def restart(self) -> None:
        """Order its restart, once, as `swarmhub restart` does, and wait until it runs again."""
        record = self.record()
        assert record is not None
        old = record.status.task_id

        def order(store: Store) -> None:
            found = store.get_notebook(self.name)
            if isinstance(found, Notebook) and found.status.task_id == old:
                store.restart_notebook(self.name)

        patiently(self.sim, f"to restart {self.name}", order)

        def is_another() -> bool:
            found = self.record()
            return self.phase() is Phase.RUNNING and bool(found and found.status.task_id != old)

        await_(self.sim, f"{self.name} runs anew", is_another)


def await_(sim: Simulation, what: str, check: Callable[[], bool]) -> None:
    """Wait, as long as a hub would.

    Raises:
        AssertionError: in vain.
    """
    assert sim.run(WITHIN, until=check), f"Waited {WITHIN:g} s in vain until {what}."


def patiently(sim: Simulation, what: str, write: Callable[[Store], T]) -> T:
    """Write to the store as the hub does: again and again while it cannot be.

    Raises:
        AssertionError: in vain.
    """
    end = sim.clock.monotonic() + WITHIN
    while True:
        try:
            return write(sim.store)
        except (StoreUnavailable, Conflict) as error:
            if sim.clock.monotonic() > end:
                raise AssertionError(f"Tried {WITHIN:g} s in vain {what}: {error}") from error
        sim.run(AGAIN)


def is_gone(sim: Simulation, name: str) -> bool:
    """Tell whether there is surely no such notebook."""
    try:
        return sim.store.get_notebook(name) is None
    except StoreError:
        return False


def home_phase(sim: Simulation, name: str) -> HomePhase:
    """Return the phase of a home that is there."""
    home = sim.store.get_home(name)
    assert isinstance(home, Home), f"The record of {name} is {home}."
    return home.status.phase


def volumes(sim: Simulation) -> set[tuple[str, str]]:
    """Return the names of all volumes, and when each was made."""
    return {(v.name, v.created) for here in sim.swarm.stock.volumes.values() for v in here.values()}


def left_of(sim: Simulation, name: str) -> list[str]:
    """Return the names of the services and secrets of a notebook."""
    found = (*sim.swarm.world.services.values(), *sim.swarm.world.secrets.values())
    return [r["Spec"]["Name"] for r in found if r["Spec"]["Labels"].get(labels.NOTEBOOK) == name]


def is_home_gone(sim: Simulation, name: str) -> bool:
    """Tell whether there is surely no such home."""
    try:
        return sim.store.get_home(name) is None
    except StoreError:
        return False


def ada(sim: Simulation, reclaim: Reclaim = Reclaim.RETAIN) -> Server:
    """Return the default server of a user with a home."""
    return Server(sim, "ada", homes={"home-ada": reclaim})


def bob(sim: Simulation) -> Server:
    """Return the server of a user who has no home, and to whom nothing should happen."""
    return Server(sim, "bob")


def both_run(sim: Simulation) -> None:
    """Two users start their servers at once, and both run."""
    bob(sim).write("of bob")
    ada(sim).start()
    await_(sim, "bob's server runs", lambda: bob(sim).phase() is Phase.RUNNING)


def start(sim: Simulation) -> Script:
    """Two users start their servers at once."""
    yield
    both_run(sim)


def stop(sim: Simulation) -> Script:
    """One of two users stops."""
    both_run(sim)
    yield
    ada(sim).stop()
    assert left_of(sim, "ada") == []


def start_stop_start(sim: Simulation) -> Script:
    """A user stops, and starts again with a new token, where the home lies."""
    ada(sim).start()
    yield
    ada(sim).stop()
    ada(sim).start("second")


def impatient(sim: Simulation) -> Script:
    """A user starts, stops before it answers, whatever the operator says, and starts again."""
    yield
    ada(sim).write("first")
    await_(sim, "ada's container runs", lambda: bool(sim.swarm.running()))
    sim.run(0.5)
    ada(sim).stop()
    ada(sim).start("second")


def restart(sim: Simulation) -> Script:
    """A server is killed and comes back."""
    ada(sim).start()
    yield
    ada(sim).fail()


def asked_restart(sim: Simulation) -> Script:
    """An administrator has a server restarted that works."""
    ada(sim).start()
    yield
    ada(sim).restart()


def node_death(sim: Simulation) -> Script:
    """A node dies: what floats goes on elsewhere; what has its home there waits for its return."""
    sim.swarm.set_availability("manager", "pause")
    both_run(sim)
    sim.swarm.set_availability("manager", "active")
    yield
    sim.swarm.nodes.power_off("worker")
    await_(sim, "bob's server runs elsewhere", lambda: _runs_on(bob(sim), "manager"))
    await_(sim, "ada's server waits", lambda: ada(sim).phase() is Phase.PENDING)
    sim.swarm.nodes.power_on("worker")
    await_(sim, "ada's server is back", lambda: _runs_on(ada(sim), "worker"))
    # A list that is out of date may have told of its server on the worker once more.
    await_(sim, "bob's server is told where it runs", lambda: _runs_on(bob(sim), "manager"))
    for server in (ada(sim), bob(sim)):
        record = server.record()
        assert record is None or record.status.failures == 0


def _runs_on(server: Server, node: str) -> bool:
    record = server.record()
    return server.phase() is Phase.RUNNING and bool(record and record.status.node == node)


def give_up(sim: Simulation) -> Script:
    """A server fails as often as it may; the hub takes note, and the reason stays readable."""
    yield
    ada(sim).write("first", command=tuple(BROKEN))
    await_(sim, "ada's server has failed", lambda: ada(sim).phase() is Phase.FAILED)
    ada(sim).stop()


def change(sim: Simulation) -> Script:
    """A server is asked for anew, otherwise, while it runs."""
    ada(sim).start()
    yield
    ada(sim).start("first", environment={"THEME": "dark"})


def change_image(sim: Simulation) -> Script:
    """A server is asked for anew with another image and another token."""
    ada(sim).start()
    yield
    ada(sim).start("second", image="registry/lab:2")


def delete_retain(sim: Simulation) -> Script:
    """A user is deleted; the home stays."""
    both_run(sim)
    before = volumes(sim)
    yield
    ada(sim).delete()
    assert left_of(sim, "ada") == []
    assert home_phase(sim, "home-ada") is HomePhase.RELEASED
    assert volumes(sim) == before


def delete_delete(sim: Simulation) -> Script:
    """A user is deleted, and the home with them; bob's server goes on."""
    bob(sim).start()
    ada(sim, Reclaim.DELETE).start()
    yield
    ada(sim, Reclaim.DELETE).delete()
    # A secret that a list out of date did not show is swept away later.
    await_(sim, "nothing is left of ada's server", lambda: not left_of(sim, "ada"))
    await_(sim, "ada's home is gone", lambda: is_home_gone(sim, "home-ada"))
    assert volumes(sim) == set()


def comeback(sim: Simulation) -> Script:
    """A user is deleted and comes back before the home's grace is over: the home is kept."""
    ada(sim, Reclaim.DELETE).start()
    before = volumes(sim)
    yield
    ada(sim, Reclaim.DELETE).delete()
    ada(sim, Reclaim.DELETE).start("second")
    assert home_phase(sim, "home-ada") is HomePhase.BOUND
    assert volumes(sim) == before


def named_servers(sim: Simulation) -> Script:
    """A named server shares the user's home and has one of its own; it alone is deleted."""
    ada(sim).start()
    before = volumes(sim)
    ada(sim).stop()
    yield
    homes = {"home-ada": Reclaim.RETAIN, "home-ada-gpu": Reclaim.DELETE}
    named = Server(sim, "ada", "gpu", homes)
    named.start()
    named.delete()
    await_(sim, "the named server's home is gone", lambda: is_home_gone(sim, "home-ada-gpu"))
    assert home_phase(sim, "home-ada") is HomePhase.BOUND
    assert volumes(sim) == before


def orphans(sim: Simulation) -> Script:
    """What was asked for long ago arrives when its record is gone: it is swept away."""
    both_run(sim)
    service = _raw(sim.swarm.world.services, ada(sim).service)["Spec"]
    mounted = service["TaskTemplate"]["ContainerSpec"]["Secrets"][0]
    secret = _raw(sim.swarm.world.secrets, mounted["SecretName"])
    ada(sim).delete()
    yield
    again = sim.swarm.secrets.create({**secret["Spec"], "Data": "c2VjcmV0"})
    sim.swarm.services.create(_replaced(service, mounted["SecretID"], again["ID"]))
    await_(sim, "the orphans are swept away", lambda: not left_of(sim, "ada"))


def _raw(table: Mapping[str, Raw], name: str) -> Raw:
    return next(raw for raw in table.values() if raw["Spec"]["Name"] == name)


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    return new if value == old else value


KEPT = frozenset({labels.STORE, labels.NOTEBOOK, labels.UID, labels.SPEC_HASH})


def upgrade(sim: Simulation) -> Script:
    """The operator is replaced; services of the old one lack what came later: labels, hardening."""
    both_run(sim)
    ada(sim).fail()
    yield
    before = {task["ID"] for task in sim.swarm.running()}
    replace_operator(sim, _newer)
    services = sim.swarm.world.services.values()
    await_(
        sim,
        "the new operator has put the labels right",
        lambda: all(labels.GENERATION in raw["Spec"]["Labels"] for raw in services),
    )
    sim.run(10)
    after = {task["ID"] for task in sim.swarm.running()}
    assert before == after, "An upgrade of the operator has restarted a server."


def replace_operator(sim: Simulation, between: Callable[[Simulation], None]) -> None:
    """End the operator as an update of its service does, do something, and start the next."""
    supervised, sim.supervised = sim.supervised, False
    for operator in sim.operators:
        operator.stop.set()
    await_(
        sim,
        "the operator has ended",
        lambda: not sim.operators or sim.store.read_lease() is None,
    )
    sim.crash()
    between(sim)
    sim.start()
    sim.supervised = supervised


def _newer(sim: Simulation) -> None:
    sim.settings = sim.settings.model_copy(update={"policy": POLICY})
    for raw in list(sim.swarm.world.services.values()):
        assert labels.TERMS not in raw["Spec"]["Labels"]
        old = {k: v for k, v in raw["Spec"]["Labels"].items() if k in KEPT}
        sim.swarm.services.update(
            raw["ID"], raw["Version"]["Index"], {**raw["Spec"], "Labels": old}
        )


WORKLOADS = (
    Workload("start", start),
    Workload("stop", stop),
    Workload("start-stop-start", start_stop_start, nodes=("worker",)),
    Workload("impatient", impatient, nodes=("worker",)),
    Workload("restart", restart, updates=1),
    Workload("asked-restart", asked_restart, updates=1),
    Workload("slow-restart", restart, durations=Durations(decide=3.0), updates=1),
    Workload("node-death", node_death, nodes=("worker",), updates=2),
    Workload("give-up", give_up, updates=1),
    Workload("change", change),
    Workload("change-image", change_image),
    Workload("delete-retain", delete_retain),
    Workload("delete-delete", delete_delete),
    Workload("comeback", comeback),
    Workload("named-servers", named_servers),
    Workload("orphans", orphans),
    Workload("upgrade", upgrade, updates=3, policy=UNHARDENED),
)
