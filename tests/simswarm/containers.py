"""Containers and volumes of the nodes, and what an engine tells of its own ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simswarm.clock import Timer
from simswarm.programs import Program
from simswarm.raw import Raw
from simswarm.refusal import Refusal
from simswarm.world import World


@dataclass(slots=True)
class Container:
    """One container of a task."""

    id: str
    task_id: str
    node_id: str
    program: Program
    volumes: tuple[str, ...]
    address: str | None
    running_since: float | None = None
    ended: bool = False
    pid: int = 0
    log: list[tuple[int, str]] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)

    def cancel_timers(self) -> None:
        """Let nothing more happen to it by itself."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


@dataclass(frozen=True, slots=True)
class Volume:
    """A local volume of one node."""

    name: str
    driver: str
    labels: Mapping[str, str] | None
    options: Mapping[str, str] | None
    created: str

    def raw(self) -> Raw:
        """Return it as the engine shows it."""
        return {
            "CreatedAt": self.created,
            "Driver": self.driver,
            "Labels": None if self.labels is None else dict(self.labels),
            "Mountpoint": f"/var/lib/docker/volumes/{self.name}/_data",
            "Name": self.name,
            "Options": None if self.options is None else dict(self.options),
            "Scope": "local",
        }


class Stock:
    """The containers and volumes of all nodes; an engine shows only its own node's.

    Attributes:
        losses: told of each volume that is removed, right before it is: its node and name.
    """

    def __init__(self, world: World, own_node: str) -> None:
        self._world = world
        self.own_node = own_node
        self.containers: dict[str, Container] = {}  # by task
        self.volumes: dict[str, dict[str, Volume]] = {}  # by node and name
        self.losses: list[Callable[[str, str], None]] = []
        self._contents: dict[tuple[str, str], str] = {}  # by node and name of a volume
        self._filled: Counter[str] = Counter()  # how many contents volumes of a name had

    def create(self, task: Raw, program: Program) -> Container:
        """Make a task's container, and the volumes that it mounts and that are not there yet."""
        world, spec = self._world, task["Spec"]["ContainerSpec"]
        node = task["NodeID"]
        here = self.volumes.setdefault(node, {})
        mounts = [m for m in spec.get("Mounts") or () if m["Type"] == "volume"]
        for mount in mounts:
            name = mount["Source"]
            if name not in here:
                here[name] = self._new_volume(name, mount.get("VolumeOptions") or {})
                self._tell(node, "volume", "create", name, {"driver": here[name].driver})
        attached = task.get("NetworksAttachments") or ()
        address = attached[0]["Addresses"][0].split("/")[0] if attached else None
        made = Container(
            world.new_id(64, "0123456789abcdef"),
            task["ID"],
            node,
            program,
            tuple(m["Source"] for m in mounts),
            address,
            pid=world.random.randrange(300, 30000),
        )
        self.containers[task["ID"]] = made
        self.tell(task, made, "create")
        return made

    def _new_volume(self, name: str, options: Raw) -> Volume:
        driver = options.get("DriverConfig") or {}
        created = self._world.stamp().split(".")[0].rstrip("Z") + "Z"
        return Volume(
            name,
            driver.get("Name") or "local",
            options.get("Labels") or {},
            driver.get("Options") or {},
            created,
        )

    def _tell(self, node: str, kind: str, action: str, ident: str, about: dict[str, str]) -> None:
        if node == self.own_node:
            self._world.journal.tell(kind, action, ident, about, "local")

    def tell(self, task: Raw, container: Container, action: str, **more: str) -> None:
        """Tell of a container, if it is one of the engine's own node."""
        service = self._world.services.get(task["ServiceID"])
        name = service["Spec"]["Name"] if service else ""
        spec = task["Spec"]["ContainerSpec"]
        full = f"{name}.{task['Slot']}.{task['ID']}"
        about = {
            **(spec.get("Labels") or {}),
            "com.docker.swarm.node.id": task["NodeID"],
            "com.docker.swarm.service.id": task["ServiceID"],
            "com.docker.swarm.service.name": name,
            "com.docker.swarm.task": "",
            "com.docker.swarm.task.id": task["ID"],
            "com.docker.swarm.task.name": full,
            **more,
            "image": spec["Image"],
            "name": full,
        }
        self._tell(container.node_id, "container", action, container.id, about)

    def discard(self, task: Raw) -> None:
        """Remove a task's container."""
        container = self.containers.pop(task["ID"], None)
        if container is not None:
            container.cancel_timers()
            self.tell(task, container, "destroy")

    def volume(self, name: str) -> Volume:
        """Return a volume of the engine's own node.

        Raises:
            Refusal: there is none.
        """
        return self._find(self.own_node, name)

    def _find(self, node: str, name: str) -> Volume:
        found = self.volumes.get(node, {}).get(name)
        if found is None:
            raise Refusal(404, f"get {name}: no such volume")
        return found

    def add_volume(self, node: str, name: str, content: str) -> None:
        """Make a volume on a node by hand, with something in it."""
        self.volumes.setdefault(node, {})[name] = self._new_volume(name, {})
        self.fill(node, name, content)

    def content(self, node: str, name: str) -> str:
        """Return the word for what is in a volume; "": nothing."""
        return self._contents.get((node, name), "")

    def fill(self, node: str, name: str, content: str) -> None:
        """Put something into a volume in place of what is there."""
        self._contents[node, name] = content

    def use(self, container: Container) -> None:
        """Let the program of a container write to its volumes: what is empty gets a content."""
        for name in container.volumes:
            if not self.content(container.node_id, name):
                self._filled[name] += 1
                self.fill(container.node_id, name, f"{name} {self._filled[name]}")

    def remove_volume(self, name: str, node: str = "") -> None:
        """Remove a volume of a node, by default of the engine's own.

        Raises:
            Refusal: there is none, or a container still has it, even one that has ended.
        """
        node = node or self.own_node
        self._find(node, name)
        users = [c.id for c in self.containers.values() if c.node_id == node and name in c.volumes]
        if users:
            raise Refusal(409, f"remove {name}: volume is in use - [{', '.join(users)}]")
        for told in self.losses:
            told(node, name)
        del self.volumes[node][name]
        self._contents.pop((node, name), None)
        self._tell(node, "volume", "destroy", name, {"driver": "local"})
