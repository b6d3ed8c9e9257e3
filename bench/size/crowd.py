"""Fills a store and a simulated Swarm with notebooks that run, as if the operator had made them."""

from __future__ import annotations

from ipaddress import IPv4Address

from simswarm.programs import Program, always
from simswarm.raw import Raw
from simswarm.swarm import Swarm
from simswarm.world import Durations, World
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec
from swarmhub_crds.store import Store
from swarmhub_operator.decide.build import (
    Placement,
    Wanted,
    ownership,
    secret_name,
    service_spec,
)
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.terms import of

NETWORK = "swarmhub_notebooks"
IMAGE = "127.0.0.1:5000/swarmhub/singleuser:latest"
NODES = 100
_CORES, _MEMORY = 64.0, 2**38  # of a node
_POOL, _SUBNET = "127.64.0.0/10", "127.64.0.0/12"  # which this machine's loopback answers for
_FIRST = IPv4Address("127.65.0.0")
_INSTANT = 0.001  # seconds
_STEPS = ("decide", "allocate", "schedule", "accept", "prepare", "start", "discard")
_SETTLED_WITHIN = 5.0  # seconds of virtual time


def quick_swarm() -> Swarm:
    """Return a Swarm of large nodes that takes no time for anything."""
    durations = Durations(**dict.fromkeys((*_STEPS, "withdraw"), _INSTANT))
    world = World(durations=durations, behaviour=always(Program(answers_after=0.0)))
    swarm = Swarm(world, pool=_POOL)
    for number in range(NODES):
        swarm.add_node(f"node{number:03}", _CORES, _MEMORY)
    swarm.networks.create(NETWORK, _SUBNET)
    return swarm


def fill(store: Store, swarm: Swarm, count: int) -> None:
    """Add notebooks that are to run to a store, and to a Swarm what an operator made for them.

    The records do not tell yet that it did: whoever leads next has all of them to adopt.

    Args:
        store: the operator's.
        swarm: see `quick_swarm`.
        count: how many.
    """
    world = swarm.world
    nodes = [node["ID"] for node in world.nodes.values() if node["Spec"]["Role"] == "worker"]
    model: Raw | None = None
    for number in range(count):
        record = asked(store, named(number))
        wanted = Wanted(record, store.uid)
        node = nodes[number % len(nodes)]
        placement = Placement(IMAGE, pin=None, terms=of(record.spec, Policy()))
        secret = secret_name(record)
        held = swarm.secrets.create({"Name": secret, "Data": "eA==", "Labels": ownership(wanted)})
        spec = service_spec(wanted, placement, held["ID"])
        if model is None:
            model = _run(swarm, spec)
            continue
        made = {
            "ID": world.new_id(),
            "Spec": swarm.services.accepted(spec),
            "Endpoint": {"Spec": {}},
        }
        service = world.put(world.services, made)
        _copy(world, model, service, node, str(_FIRST + number))


def named(number: int) -> str:
    """Return the name of a user, which is that of the notebook, too."""
    return f"user{number:05}"


def asked(store: Store, user: str) -> Notebook:
    """Write the record of a notebook that is to run."""
    spec = NotebookSpec(
        user=user,
        image=IMAGE,
        command=("jupyterhub-singleuser",),
        environment={"JUPYTERHUB_USER": user},
        networks=(NETWORK,),
        desired=Desired.RUNNING,
    )
    return store.apply_notebook(spec, secrets={"JUPYTERHUB_API_TOKEN": "x" * 32})


def _run(swarm: Swarm, spec: Raw) -> Raw:
    """Run a service as the Swarm does it, and return its task."""
    service = swarm.services.create(spec)
    swarm.clock.advance(_SETTLED_WITHIN)
    (task,) = swarm.tasks_of(service["ID"])
    if task["Status"]["State"] != "running":
        raise RuntimeError(f"The simulated Swarm did not start a notebook: {task['Status']}.")
    return task


def _copy(world: World, model: Raw, service: Raw, node: str, address: str) -> None:
    attachments = [{**a, "Addresses": [f"{address}/12"]} for a in model["NetworksAttachments"]]
    own = {
        "ID": world.new_id(),
        "ServiceID": service["ID"],
        "NodeID": node,
        "Spec": {**model["Spec"], **service["Spec"]["TaskTemplate"]},
        "NetworksAttachments": attachments,
    }
    copied = {key: value for key, value in model.items() if key != "CreatedAt"}
    world.task_labels[own["ID"]] = service["Spec"]["Labels"]
    world.put(world.tasks, {**copied, **own})
