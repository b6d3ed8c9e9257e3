"""A whole simulated Swarm, and what may happen to it.

swarm = Swarm(World(seed=1))
swarm.networks.create("net")
swarm.services.create({...})
swarm.clock.advance(2.0)
swarm.tasks_of("web")
"""

from __future__ import annotations

from collections.abc import Mapping

from simswarm import lookup, states
from simswarm.agents import Agents
from simswarm.containers import Stock
from simswarm.networks import Networks
from simswarm.nodes import Nodes, join
from simswarm.orchestrator import Orchestrator
from simswarm.programs import KILLED
from simswarm.raw import Raw
from simswarm.refusal import Refusal
from simswarm.scheduler import Scheduler
from simswarm.secrets import Secrets
from simswarm.services import Services
from simswarm.world import World

POOL = "10.0.0.0/16"


class Swarm:
    """A manager whose API can be asked, the nodes of its Swarm, and all that runs on them.

    Attributes:
        refusal: what the engine answers to all that only a manager with a quorum can do: None
            while it is one, else NO_SWARM, WORKER or NO_LEADER of `refusal`.
    """

    def __init__(
        self,
        world: World | None = None,
        workers: tuple[str, ...] = (),
        pool: str = POOL,
        manager: str = "manager",
    ) -> None:
        """Make a Swarm of machines with these names; its networks are cut from `pool`."""
        self.world = world or World()
        self.clock = self.world.clock
        self.journal = self.world.journal
        self.refusal: Refusal | None = None
        self.own_node: str = join(self.world, manager, "manager")["ID"]
        for hostname in workers:
            join(self.world, hostname, "worker")
        self.stock = Stock(self.world, self.own_node)
        self._agents = Agents(self.world, self.stock, self._running, self._ended)
        self._scheduler = Scheduler(self.world, self._agents.heed, self._ended)
        self.networks = Networks(self.world, pool, self._scheduler.enqueue)
        self._orchestrator = Orchestrator(self.world, self._born, self._changed, self._forgotten)
        self.services = Services(self.world, self._orchestrator)
        self.secrets = Secrets(self.world)
        self.nodes = Nodes(self.world, self._agents, self._orchestrator, self._scheduler.retry)

    def _born(self, task: Raw) -> None:
        delay = self.world.took(self.world.durations.allocate)
        self.clock.after(delay, lambda: self.networks.allot(task["ID"]))

    def _running(self, task: Raw) -> None:
        self._orchestrator.running(task)

    def _ended(self, task: Raw) -> None:
        self.networks.release(task["ID"])
        self._orchestrator.ended(task)
        self._scheduler.retry()

    def _changed(self, task: Raw) -> None:
        if states.state(task) == "pending" and not states.wanted(task):
            self._scheduler.give_up(task)
        else:
            self._agents.heed(task)

    def _forgotten(self, task: Raw) -> None:
        self.networks.release(task["ID"])
        delay = self.world.took(self.world.durations.discard)
        self.clock.after(delay, lambda: self.stock.discard(task))

    def require_manager(self) -> None:
        """Refuse what only a manager with a quorum can do.

        Raises:
            Refusal: this engine is none.
        """
        if self.refusal is not None:
            raise self.refusal

    def add_node(
        self, hostname: str, cpus: float, memory: int, generic: tuple[str, ...] = ()
    ) -> Raw:
        """Let a worker join, with so many cores and so much memory in bytes."""
        made = join(self.world, hostname, "worker", cpus, memory, generic)
        self._scheduler.retry()
        return made

    def set_availability(
        self, node: str, availability: str, labels: Mapping[str, str] | None = None
    ) -> None:
        """Set whether a node takes tasks: active, pause or drain; and its labels, if given."""
        raw = lookup.find("node", self.world.nodes, node)
        spec = {**raw["Spec"], "Availability": availability}
        if labels is not None:
            spec["Labels"] = dict(labels)
        self.nodes.update(raw["ID"], raw["Version"]["Index"], spec)

    def tasks_of(self, service: str) -> list[Raw]:
        """Return a service's tasks, oldest first.

        Raises:
            Refusal: there is no such service.
        """
        ident = lookup.find("service", self.world.services, service)["ID"]
        found = self.world.tasks.by("service", ident)
        return sorted(found, key=lambda t: (t["CreatedAt"], t["ID"]))

    def kill(self, task_id: str, code: int = KILLED) -> None:
        """End the process of a running task from outside, as a crash would."""
        self._agents.exit(task_id, code)

    def answers(self, address: str) -> bool:
        """Return whether the container with this address answers over HTTP now."""
        now = self.clock.monotonic()
        for container in self.stock.containers.values():
            since, after = container.running_since, container.program.answers_after
            if container.address == address and not container.ended and since is not None:
                return after is not None and now - since >= after
        return False

    def running(self) -> list[Raw]:
        """Return the tasks whose process lives, whatever the managers believe."""
        alive = (c for c in self.stock.containers.values() if not c.ended and c.running_since)
        return [self.world.tasks[c.task_id] for c in alive if c.task_id in self.world.tasks]

    def stats(self, ident: str) -> Raw:
        """Return the counters of a container of the engine that answers: a quarter of a core.

        Raises:
            Refusal: there is none there.
        """
        own = (c for c in self.stock.containers.values() if c.node_id == self.own_node)
        found = next((c for c in own if c.id == ident), None)
        if found is None:
            raise Refusal(404, f"No such container: {ident}")
        if found.ended or found.running_since is None:
            return {"read": "0001-01-01T00:00:00Z", "cpu_stats": {}, "memory_stats": {}}
        spent = round((self.clock.monotonic() - found.running_since) * 0.25e9)
        memory = {"usage": 96 * 2**20, "stats": {"total_inactive_file": 32 * 2**20}}
        return {
            "read": self.world.stamp(),
            "cpu_stats": {"cpu_usage": {"total_usage": spent}, "online_cpus": 2},
            "memory_stats": memory,
        }

    def log(self, task_id: str) -> list[tuple[int, str]]:
        """Return what a task wrote: (stream, text), as far as its node can be reached."""
        container = self.stock.containers.get(task_id)
        if container is None or not self._agents.is_on(container.node_id):
            return []
        return list(container.log)
