"""Whether all is as the records want it, and stays so."""

from __future__ import annotations

from collections.abc import Iterable

from simswarm import states
from simswarm.raw import Raw
from simulation.ledger import birth
from simulation.lives import BUDGET, NO_IMAGE, REFUSED, Life
from swarmhub_crds.home import Home, HomePhase, Reclaim
from swarmhub_crds.names import service_name
from swarmhub_crds.notebook import Desired, Notebook, Phase
from swarmhub_operator.engine import labels

WITHIN = 150.0  # seconds until all is well, once nothing happens any more
STAYS = 8.0  # seconds for which it then is to stay so: more than two sweeps


def await_good_end(life: Life) -> str | None:
    """Run until all is well and has stayed so; tell what is not, if that takes too long."""
    sim = life.sim
    end = sim.clock.monotonic() + WITHIN
    sim.run(WITHIN, until=lambda: not complaints(life))
    sim.run(STAYS)
    # What is under way may pass through a moment in which all is well.
    while (found := complaints(life)) and sim.clock.monotonic() < end:
        sim.run(STAYS)
    if found:
        return f"Not well after {WITHIN:g} s: " + "; ".join(found)
    before = sim.seam.landed.copy()
    sim.run(STAYS)
    if sim.seam.landed != before:
        return f"All was well, and yet this was done: {sim.seam.landed - before}"
    return None


def complaints(life: Life) -> list[str]:
    """Return what is not as the records want it; nothing once all is well."""
    sim = life.sim
    records = {r.metadata.name: r for r in life.records()}
    found = [text for record in records.values() for text in _of_record(life, record)]
    # A store without any record removes nothing; what came too late is told, for a person to judge.
    held = set() if records else {h.id for h in sim.store.list_held()}
    for kind, table in (("service", sim.swarm.world.services), ("secret", sim.swarm.world.secrets)):
        for raw in table.values():
            name = raw["Spec"]["Labels"].get(labels.NOTEBOOK, "")
            if name not in records and raw["ID"] not in held:
                found.append(f"the {kind} {raw['Spec']['Name']} has no record")
    found += [f"the home {name} is still to go" for name in _leaving(life, records.values())]
    for node, name in life.volumes:
        here = sim.swarm.stock.volumes.get(node, {})
        if name not in here and name not in life.doomed:
            found.append(f"the volume {name} is gone")
    return found


def _leaving(life: Life, records: Iterable[Notebook]) -> list[str]:
    """Return the homes that are to go and can be removed from where the operator is."""
    mounted = {m.volume for record in records for m in record.spec.mounts}
    gone = (HomePhase.RELEASED, HomePhase.DELETING)
    return [
        home.metadata.name
        for home in life.sim.store.list_homes()
        if isinstance(home, Home)
        and home.status.phase in gone
        and home.spec.reclaim is Reclaim.DELETE
        and home.status.node_id in (None, life.sim.swarm.own_node)
        and home.metadata.name not in mounted
    ]


def _of_record(life: Life, record: Notebook) -> list[str]:
    meta, status = record.metadata, record.status
    if meta.deletion_requested_at is not None:
        return [f"{meta.name} is still there"]
    if status.observed_generation != meta.generation:
        return [f"{meta.name} has not been acted upon"]
    if record.spec.desired is Desired.STOPPED:
        return _of_stopped(life, record)
    expected = _expected(life, record)
    if status.phase not in expected:
        return [f"{meta.name} is {status.phase} ({status.message}), not {expected}"]
    return _of_running(life, record) if status.phase in (Phase.RUNNING, Phase.STARTING) else []


def _of_stopped(life: Life, record: Notebook) -> list[str]:
    meta, left = record.metadata, _belongings(life, record)
    found = [f"{meta.name} has stopped and has {len(v)} {k}" for k, v in left.items() if v]
    if life.sim.store.secret_environment(meta.uid):
        found.append(f"{meta.name} has stopped and its secrets are stored")
    if record.status.phase not in (Phase.STOPPED, Phase.FAILED):
        found.append(f"{meta.name} is to be stopped and is {record.status.phase}")
    return found


def _of_running(life: Life, record: Notebook) -> list[str]:
    name, has = record.metadata.name, _belongings(life, record)
    kept = [task for task in has["servers"] if states.wanted(task)]  # others are being stopped
    if not len(has["services"]) == len(has["servers"]) == len(kept) == 1:
        return [f"{name} has {len(has['services'])} services and {len(kept)} servers"]
    return [f"{name}: {t}" for t in _differences(record, has["services"][0], has["secrets"])]


def _belongings(life: Life, record: Notebook) -> dict[str, list[Raw]]:
    """Return what the Swarm has of a notebook; a server is a task whose process lives."""
    swarm, name = life.sim.swarm, record.metadata.name

    def own(table: Iterable[Raw]) -> list[Raw]:
        return [raw for raw in table if raw["Spec"]["Labels"].get(labels.NOTEBOOK) == name]

    about = swarm.world.task_labels
    return {
        "services": own(swarm.world.services.values()),
        "secrets": own(swarm.world.secrets.values()),
        "servers": [t for t in swarm.running() if about[t["ID"]].get(labels.NOTEBOOK) == name],
    }


def _expected(life: Life, record: Notebook) -> tuple[Phase, ...]:
    spec, meta = record.spec, record.metadata
    wrong = any(
        all(getattr(spec, key) == value for key, value in given.items()) for given in REFUSED
    )
    if wrong or spec.image == NO_IMAGE or spec.command[-1] == "crash":
        return (Phase.FAILED,)
    found: tuple[Phase, ...] = (Phase.RUNNING,)
    if spec.command[-1] == "mute":
        found = (Phase.STARTING,)
    if spec.command[-1] == "brief":
        found = (Phase.STOPPED,)
    start = meta.uid, str(meta.generation)
    tokenless = spec.secret_digest and start in life.again_asked
    if tokenless or life.ledger.failures[start] > BUDGET:
        found = (*found, Phase.FAILED)
    return found


def _differences(record: Notebook, service: Raw, secrets: list[Raw]) -> list[str]:
    spec, template = service["Spec"], service["Spec"]["TaskTemplate"]
    container = template["ContainerSpec"]
    mounted = {s["SecretID"] for s in container.get("Secrets") or ()}
    own = {"TINI_SUBREAPER": "1"} if container.get("Init") else {}
    environment = [f"{k}={v}" for k, v in sorted({**own, **record.spec.environment}.items())]
    here: dict[str, tuple[object, object]] = {
        "name": (spec["Name"], service_name(record.metadata.name)),
        "birth": (
            birth(spec["Labels"]),
            (record.metadata.uid, str(record.metadata.generation)),
        ),
        "user": (spec["Labels"].get(labels.USER), record.spec.user),
        "replicas": (spec["Mode"]["Replicated"]["Replicas"], 1),
        "image": (container["Image"].partition("@")[0], record.spec.image),
        "environment": (container.get("Env", []), environment),
        "mounts": (
            [m["Source"] for m in container.get("Mounts") or ()],
            [m.volume for m in record.spec.mounts],
        ),
        "secrets": ({s["ID"] for s in secrets}, mounted),
        "secret": (len(mounted), int(bool(record.spec.secret_digest))),
    }
    return [
        f"its {what} is {found}, not {wanted}"
        for what, (found, wanted) in here.items()
        if found != wanted
    ]
