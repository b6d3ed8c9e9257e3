"""Overlay networks, and the addresses that tasks get in them."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, ip_network

from simswarm import states
from simswarm.raw import Raw
from simswarm.refusal import Refusal
from simswarm.world import World

FIRST_HOST = 2  # the gateway has the first
NOT_FOR_TASKS = 4  # addresses of a network


class Networks:
    """Makes networks, and allots addresses: in turn, so that none is soon used again.

    `pool` is cut into networks of 256 addresses.
    """

    def __init__(self, world: World, pool: str, placed: Callable[[Raw], None]) -> None:
        self._world = world
        self._subnets = ip_network(pool).subnets(new_prefix=24)
        self._ranges: dict[str, IPv4Network] = {}
        self._last: dict[str, int] = {}
        self._taken: dict[str, dict[int, str]] = {}
        self._capacity: dict[str, int] = {}
        self._placed = placed
        self._waiting: dict[str, None] = {}
        next(self._subnets)  # the ingress network's

    def create(self, name: str, subnet: str | None = None) -> Raw:
        """Make a network, with 256 addresses unless a `subnet` is given.

        Not for tasks are the first and the last one, the gateway's, and one for the first node
        that runs a task of it; those for further nodes are left out of account.

        Raises:
            Refusal: the name is taken.
        """
        world = self._world
        if any(n["Spec"]["Name"] == name for n in world.networks.values()):
            raise Refusal(409, f"network with name {name} already exists")
        ident = world.new_id()
        block = IPv4Network(subnet) if subnet else next(self._subnets)
        assert isinstance(block, IPv4Network)
        self._ranges[ident], self._last[ident], self._taken[ident] = block, FIRST_HOST - 1, {}
        self._capacity[ident] = block.num_addresses - NOT_FOR_TASKS
        vxlan = {"com.docker.network.driver.overlay.vxlanid_list": str(4096 + len(self._ranges))}
        spec = {
            "Name": name,
            "Labels": {},
            "DriverConfiguration": {"Name": "overlay"},
            "Attachable": True,
            "Scope": "swarm",
        }
        config = {"Subnet": str(block), "Gateway": str(block[1])}
        raw = world.put(
            world.networks,
            {
                "ID": ident,
                "Spec": spec,
                "DriverState": {"Name": "overlay", "Options": vxlan},
                "IPAMOptions": {"Driver": {"Name": "default"}, "Configs": [config]},
            },
        )
        for action in ("create", "update"):
            world.journal.tell("network", action, ident, {"name": name})
        return raw

    def remove(self, network: Raw) -> None:
        """Remove a network that nothing uses.

        Raises:
            Refusal: something uses it.
        """
        world, ident = self._world, network["ID"]
        for service in world.services.values():
            targets = service["Spec"]["TaskTemplate"].get("Networks") or ()
            if any(t["Target"] == ident for t in targets):
                raise self._in_use(ident, f"service {service['ID']}")
        for task in world.tasks.values():
            attached = task.get("NetworksAttachments") or ()
            if states.occupies(task) and any(a["Network"]["ID"] == ident for a in attached):
                raise self._in_use(ident, f"task {task['ID']}")
        del world.networks[ident]
        world.journal.tell("network", "remove", ident, {"name": network["Spec"]["Name"]})

    @staticmethod
    def _in_use(ident: str, user: str) -> Refusal:
        text = f"network {ident} is in use by {user}"
        return Refusal(400, f"rpc error: code = FailedPrecondition desc = {text}")

    def allot(self, task_id: str) -> None:
        """Give a new task its addresses, or let it wait until there are some."""
        task = self._world.tasks.get(task_id)
        if task is None or states.state(task) != "new" or not states.wanted(task):
            self._waiting.pop(task_id, None)
            return
        targets = [n["Target"] for n in task["Spec"].get("Networks") or ()]
        if any(t not in self._taken or self._is_full(t) for t in targets):
            self._waiting[task_id] = None
            return
        self._waiting.pop(task_id, None)
        attached = [self._attach(target, task_id) for target in targets]
        more = {"NetworksAttachments": attached} if attached else {}
        self._placed(
            states.tell(self._world, {**task, **more}, "pending", "pending task scheduling")
        )

    def _is_full(self, target: str) -> bool:
        return len(self._taken[target]) >= self._capacity[target]

    def _attach(self, target: str, task_id: str) -> Raw:
        taken, subnet = self._taken[target], self._ranges[target]
        last = subnet.num_addresses - 2
        number = self._last[target]
        while True:
            number = number + 1 if number < last else FIRST_HOST
            if number not in taken:
                break
        self._last[target], taken[number] = number, task_id
        return {
            "Network": self._world.networks[target],
            "Addresses": [f"{subnet[number]}/{subnet.prefixlen}"],
        }

    def release(self, task_id: str) -> None:
        """Take back the addresses of a task that has ended, for those that wait."""
        for taken in self._taken.values():
            for number in [n for n, owner in taken.items() if owner == task_id]:
                del taken[number]
        for waiting in tuple(self._waiting):
            self.allot(waiting)
