"""What users, the hub and fate may do to a simulation, each as one step that waits for nothing.

Whoever drives chooses among the steps. What fate does is written into a ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from simswarm import states
from simswarm.programs import Program
from simswarm.raw import Raw
from simulation.driver import NETWORK, Simulation
from simulation.ledger import Birth, Ledger, birth, node_of_home
from swarmhub_crds.errors import Conflict, NotFound, StoreUnavailable
from swarmhub_crds.home import HomeSpec, Reclaim
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Desired, Mount, Notebook, NotebookSpec, Phase, Resources
from swarmhub_operator.decide.policy import Policy, RestartPolicy, SweepPolicy
from swarmhub_operator.decide.prepull_policy import PrepullPolicy
from swarmhub_operator.engine import labels

BUDGET = 3
POLICY = Policy(
    allowed_volumes=("home-*",),
    home_grace=3.0,
    node_grace=2.0,
    restart=RestartPolicy(budget=BUDGET, base_delay=0.5, max_delay=2.0, hub_delay=1.0),
    sweep=SweepPolicy(interval=3.5, grace=3.0),
    prepull=PrepullPolicy(enabled=False),  # its services would be among the calls that are counted
)
SERVERS = (("ada", ""), ("ada", "gpu"), ("bob", ""), ("cyd", ""))
PROGRAMS = {
    "serve": Program(),
    "slow": Program(answers_after=4.0, stops_in=6.0),
    "stubborn": Program(stops_in=None),
    "mute": Program(answers_after=None),
    "crash": Program(runs_for=1.0, exit_code=3, answers_after=None, log=((2, "boom"),)),
    "brief": Program(answers_after=0.5, runs_for=4.0),
}
USUAL = "serve"
REFUSED: tuple[dict[str, Any], ...] = (
    {"networks": ("another",)},
    {"mounts": (Mount(volume="etc", target="/etc"),)},
    {"resources": Resources(mem_guarantee=2**50)},
)
NO_IMAGE = "registry/none:1"
TAMPERINGS = ("image", "replicas", "label", "environment", "force", "owner")


def behaviour(_image: str, command: Sequence[str]) -> Program:
    """Let the last word of a command decide; before it may stand what reads the secrets."""
    return PROGRAMS[command[-1]]


class Life:
    """The steps, and what they have come to.

    Attributes:
        again_asked: starts that nobody gave a token to.
        doomed: volumes whose homes were to be removed with their users.
        volumes: all that there were, by node and name.
        ledger: what happened.
    """

    def __init__(self, sim: Simulation, random: Random) -> None:
        self.sim = sim
        self.random = random
        self.again_asked: set[Birth] = set()
        self.doomed: set[str] = set()
        self.ledger = Ledger()
        self._off: set[str] = set()
        self.volumes: set[tuple[str, str]] = set()
        sim.watchers.append(self._watch)

    def _watch(self) -> None:
        self.ledger.watch(self.sim)
        self.sim.invariants.broken += self.ledger.needless
        for node, here in self.sim.swarm.stock.volumes.items():
            self.volumes.update((node, name) for name in here)

    def _write(self, write: Callable[[], object]) -> None:
        """Write to the store; a hub that cannot leaves it, and its user may try again."""
        try:
            write()
        except (StoreUnavailable, Conflict, NotFound):
            return

    def _set(self, name: str, desired: Desired) -> None:
        self._write(lambda: self.sim.store.set_desired(name, desired))

    def _name(self) -> str:
        return notebook_name(*self.random.choice(SERVERS))

    # What users and hub do

    def ask(self) -> None:
        """Write the spec of some server anew."""
        user, server = self.random.choice(SERVERS)
        volume = self.random.choice((f"home-{user}", f"home-{user}{server}", ""))
        given: dict[str, Any] = {
            "image": self.random.choice(("registry/lab:1", "registry/lab:2")),
            "command": ("start", self.random.choice((USUAL, USUAL, USUAL, *PROGRAMS))),
            "environment": self.random.choice(({}, {"THEME": "dark"})),
        }
        if volume:
            given["mounts"] = (Mount(volume=volume, target="/home", home=True),)
        if self.random.random() < 0.1:
            given |= self.random.choice((*REFUSED, {"image": NO_IMAGE}))
        secrets = self.random.choice(({}, {"TOKEN": "one"}, {"TOKEN": "two"}))
        self.write(user, server, given, secrets, self.random.choice(tuple(Reclaim)))

    def write(
        self,
        user: str,
        server: str,
        given: Mapping[str, Any],
        secrets: Mapping[str, str],
        reclaim: Reclaim = Reclaim.RETAIN,
    ) -> None:
        """Write a spec, as the hub does for a start."""
        usual = {"networks": (NETWORK,), "command": ("start", USUAL), "image": "registry/lab:1"}
        spec = NotebookSpec.model_validate(
            {"user": user, "server": server, "desired": Desired.RUNNING, **usual, **given}
        )
        homes = {m.volume: HomeSpec(user=user, reclaim=reclaim) for m in spec.mounts if m.home}
        self._write(lambda: self.sim.store.apply_notebook(spec, homes=homes, secrets=secrets))

    def again(self) -> None:
        """Start a server that there is, as it was, though its token may be erased by now."""
        name = self._name()

        def write() -> None:
            meta = self.sim.store.set_desired(name, Desired.RUNNING).metadata
            self.again_asked.add((meta.uid, str(meta.generation)))

        self._write(write)

    def stop(self) -> None:
        """Stop a server."""
        self._set(self._name(), Desired.STOPPED)

    def take_note(self) -> None:
        """Let the hub stop the servers that have ended, as it does when it polls them."""
        for record in self.records():
            if record.status.phase in (Phase.FAILED, Phase.STOPPED):
                self._set(record.metadata.name, Desired.STOPPED)

    def delete(self) -> None:
        """Delete some server."""
        self.delete_server(*self.random.choice(SERVERS))

    def delete_server(self, user: str, server: str) -> None:
        """Delete a server with its home, as far as that is to go."""
        name = notebook_name(user, server)

        def write() -> None:
            record = self.sim.store.request_deletion(name)
            if isinstance(record, Notebook):
                self.doomed.update(m.volume for m in record.spec.mounts)

        self._write(write)

    def records(self) -> list[Notebook]:
        """Return the notebooks that can be read."""
        try:
            return [r for r in self.sim.store.list_notebooks() if isinstance(r, Notebook)]
        except StoreUnavailable:
            return []

    # What fate does

    def kill(self) -> None:
        """End a server's process."""
        running = sorted(t["ID"] for t in self.sim.swarm.running())
        if running:
            self.sim.swarm.kill(self.random.choice(running))

    def power_off(self) -> None:
        """Take the power of some node, not the manager's."""
        nodes = sorted(set(self.sim.swarm.world.nodes) - {self.sim.swarm.own_node} - self._off)
        if nodes:
            node = self.random.choice(nodes)
            self._off.add(node)
            self.sim.swarm.nodes.power_off(node)

    def power_on(self) -> None:
        """Give all nodes their power back."""
        for node in sorted(self._off):
            self.sim.swarm.nodes.power_on(node)
        self._off.clear()

    def drain(self) -> None:
        """Drain a node, or let all take tasks again."""
        nodes = sorted(self.sim.swarm.world.nodes)
        node = self.random.choice(nodes)
        if self.sim.swarm.world.nodes[node]["Spec"]["Availability"] != "active":
            self.sim.swarm.set_availability(node, "active")
            return
        for task in list(self.sim.swarm.world.tasks.values()):
            if task.get("NodeID") == node and states.wanted(task):
                self.ledger.note_end(self.sim, task)
        self.sim.swarm.set_availability(node, "drain")

    def empty(self) -> None:
        """Empty a node as `swarmhub drain` does, or take that back: what floats is to move."""
        swarm = self.sim.swarm
        node = self.random.choice(sorted(swarm.world.nodes))
        if labels.DRAIN in swarm.world.nodes[node]["Spec"]["Labels"]:
            swarm.set_availability(node, "active", {})
            return
        for task in swarm.world.tasks.values():
            floats = not task["Spec"]["ContainerSpec"].get("Mounts")
            if task.get("NodeID") == node and floats:
                self.ledger.dealt[task["ServiceID"]] += 1
        swarm.set_availability(node, "pause", {labels.DRAIN: "true"})

    def _some_service(self) -> Raw | None:
        services = sorted(self.sim.swarm.world.services.values(), key=lambda s: s["ID"])
        return self.random.choice(services) if services else None

    def remove_service(self) -> None:
        """Remove a service behind the operator's back."""
        service = self._some_service()
        if service is not None and not self._alone_knows_of_a_home(service):
            self.ledger.removed[birth(service["Spec"]["Labels"])] += 1
            self.sim.swarm.services.remove(service["ID"])

    def _alone_knows_of_a_home(self, service: Raw) -> bool:
        """Tell whether a first start has begun and nobody has written down where its home is.

        Without its service nobody could find that out while the node is away: docs/reliability.md.
        """
        tasks = (t for t in self.sim.swarm.world.tasks.values() if t["ServiceID"] == service["ID"])
        containers = (self.sim.swarm.stock.containers.get(task["ID"]) for task in tasks)
        homes = (c.volumes for c in containers if c is not None and c.running_since is not None)
        return any(node_of_home(self.sim, name) is None for names in homes for name in names)

    def tamper(self) -> None:
        """Change a service behind the operator's back."""
        service = self._some_service()
        if service is not None:
            how, born = self.random.choice(TAMPERINGS), birth(service["Spec"]["Labels"])
            # The change, and what puts it right, each end a task; an unknown service is replaced.
            self.ledger.dealt[service["ID"]] += 2
            self.ledger.failures[born] += 2
            self.ledger.removed[born] += how == "owner"
            spec = _tampered(service["Spec"], how)
            self.sim.swarm.services.update(service["ID"], service["Version"]["Index"], spec)

    def remove_secret(self) -> None:
        """Remove what secrets are not in use behind the operator's back."""
        services = self.sim.swarm.world.services.values()
        used = {
            s["SecretID"]
            for raw in services
            for s in raw["Spec"]["TaskTemplate"]["ContainerSpec"].get("Secrets") or ()
        }
        for ident in sorted(set(self.sim.swarm.world.secrets) - used):
            self.sim.swarm.secrets.remove(ident)

    def wait(self) -> None:
        """Let some time pass."""
        self.sim.run(self.random.choice((0.05, 0.5, 2.0, 5.0)))

    # What happens to operators

    def crash(self) -> None:
        """Let an operator die; Swarm starts it again."""
        if self.sim.operators:
            self.sim.supervised = True
            self.sim.crash(self.random.choice(self.sim.operators))

    def pause(self) -> None:
        """Let an operator stand still for a while."""
        if self.sim.operators:
            process = self.random.choice(self.sim.operators).process
            process.paused = True
            wait = self.random.uniform(0.5, 20.0)
            self.sim.clock.after(wait, lambda: setattr(process, "paused", False))

    def roll(self) -> None:
        """Update the operator: another one starts, and this one is told to end."""
        if self.sim.operators:
            self.sim.operators[0].stop.set()
            self.sim.start()

    # The end

    def mend(self) -> None:
        """Put right what fate did, so that everything can come to a good end."""
        self.power_on()
        for node in sorted(self.sim.swarm.world.nodes):
            self.sim.swarm.set_availability(node, "active")
        for operator in self.sim.operators:
            operator.process.paused = False
        if all(operator.stop.is_set() for operator in self.sim.operators):
            self.sim.start()


def _tampered(spec: Raw, how: str) -> Raw:
    template, about = spec["TaskTemplate"], spec["Labels"]
    container = template["ContainerSpec"]
    match how:
        case "image":
            return _with(spec, ContainerSpec={**container, "Image": "registry/other:1"})
        case "environment":
            return _with(spec, ContainerSpec={**container, "Env": ["EVIL=1"]})
        case "force":
            return _with(spec, ForceUpdate=template["ForceUpdate"] + 1)
        case "replicas":
            return {**spec, "Mode": {"Replicated": {"Replicas": 0}}}
        case "label":
            return {**spec, "Labels": {k: v for k, v in about.items() if k != labels.USER}}
        case _:
            return {**spec, "Labels": {**about, labels.SPEC_HASH: "0"}}


def _with(spec: Raw, **template: Any) -> Raw:
    return {**spec, "TaskTemplate": {**spec["TaskTemplate"], **template}}
