"""The engine's lists: which filters there are, and what each object looks like."""

from __future__ import annotations

from collections.abc import Mapping

from simswarm import lookup, states
from simswarm.lookup import Filters
from simswarm.raw import Raw
from simswarm.refusal import Refusal
from simswarm.world import World

DESIRED = ("running", "shutdown", "accepted")


def services(world: World, filters: Filters, query: Mapping[str, str]) -> list[Raw]:
    """Return the services that pass; with `status`, also how many of their tasks run."""
    lookup.check_filters(filters, ("name", "id", "label", "mode", "runtime"))
    found = lookup.select(world.services, filters, lookup.spec_labels)
    if "mode" in filters:
        found = [s for s in found if next(iter(s["Spec"]["Mode"])).lower() in filters["mode"]]
    if query.get("status", "") not in ("1", "true", "True"):
        return found
    return [{**s, "ServiceStatus": _service_status(world, s)} for s in found]


def _service_status(world: World, service: Raw) -> Raw:
    tasks = [t for t in world.tasks.values() if t["ServiceID"] == service["ID"]]
    # A task of a dead node counts as running: nobody has said otherwise.
    running = sum(states.state(t) == "running" for t in tasks)
    replicas = service["Spec"]["Mode"]["Replicated"]["Replicas"]
    return {"RunningTasks": running, "DesiredTasks": replicas, "CompletedTasks": 0}


def tasks(world: World, filters: Filters, own_node: str) -> list[Raw]:
    """Return the tasks that pass; labels are those that the service had when a task was made.

    Raises:
        Refusal: a filter is unknown, or names a service or node that is not there.
    """
    known = ("id", "label", "name", "node", "service", "desired-state", "_up-to-date", "runtime")
    lookup.check_filters(filters, known)
    own = {k: v for k, v in filters.items() if k in ("id", "label")}
    found = lookup.select(world.tasks, own, lambda t: world.task_labels[t["ID"]])
    if "service" in filters:
        wanted = {lookup.find("service", world.services, s)["ID"] for s in filters["service"]}
        found = [t for t in found if t["ServiceID"] in wanted]
    if "node" in filters:
        nodes = [own_node if n == "self" else n for n in filters["node"]]
        on = {lookup.find("node", world.nodes, n)["ID"] for n in nodes}
        found = [t for t in found if t.get("NodeID") in on]
    if "name" in filters:
        found = [t for t in found if _name(world, t).startswith(tuple(filters["name"]))]
    for wish in filters.get("desired-state", ()):
        if wish not in DESIRED:
            raise Refusal(500, f"Invalid desired-state filter: '{wish}'")
    if "desired-state" in filters:
        found = [t for t in found if t["DesiredState"] in filters["desired-state"]]
    return found


def _name(world: World, task: Raw) -> str:
    service = world.services.get(task["ServiceID"])
    name = service["Spec"]["Name"] if service else ""
    return f"{name}.{task['Slot']}.{task['ID']}"


def secrets(world: World, filters: Filters) -> list[Raw]:
    """Return the secrets that pass."""
    lookup.check_filters(filters, ("name", "names", "id", "label"))
    return lookup.select(world.secrets, filters, lookup.spec_labels)


def nodes(world: World, filters: Filters) -> list[Raw]:
    """Return the nodes that pass."""
    lookup.check_filters(filters, ("name", "id", "label", "node.label", "role", "membership"))
    found = lookup.select(world.nodes, filters, lookup.spec_labels)
    if "role" in filters:
        found = [n for n in found if n["Spec"]["Role"] in filters["role"]]
    return found


def networks(world: World, filters: Filters) -> list[Raw]:
    """Return the networks that pass; a name passes if it holds the one that is asked for."""
    own = {k: v for k, v in filters.items() if k in ("id", "label")}
    found = lookup.select(world.networks, own, lookup.spec_labels)
    if "name" in filters:
        found = [n for n in found if any(part in n["Spec"]["Name"] for part in filters["name"])]
    return [network(n) for n in found]


def network(raw: Raw) -> Raw:
    """Return a network in the form of the engine's own networks, which differs from Swarm's."""
    spec = raw["Spec"]
    return {
        "Name": spec["Name"],
        "Id": raw["ID"],
        "Created": raw["CreatedAt"],
        "Scope": "swarm",
        "Driver": "overlay",
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": raw["IPAMOptions"]["Configs"]},
        "Internal": False,
        "Attachable": spec["Attachable"],
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": None,
        "Options": raw["DriverState"]["Options"],
        "Labels": None,
    }
