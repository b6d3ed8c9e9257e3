"""A worker dies, comes back late, is cut off, is drained: where notebooks then run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from support import swarm_nodes
from support.node import Node
from support.waiting import wait_for
from survival.site import Site
from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_operator.cli.app import app
from typer.testing import CliRunner, Result

log = logging.getLogger(__name__)
_NAMES_WITHIN = 40.0  # seconds in which a node that was cut off may take a name back


@pytest.fixture
def on_worker(site: Site, worker: Node) -> Iterator[tuple[str, str]]:
    """Yield a notebook with its home on the worker, and one that could run anywhere."""
    pinned, floating = f"pia-{id(site):x}", f"flo-{id(site):x}"
    availability(site, "manager", "pause")
    # Until it has seen that, the operator may choose the manager, and moves the start ten seconds
    # later, which is one restart more.
    wait_for("the operator to see that the manager takes nothing", lambda: is_paused(site))
    site.start(pinned)
    site.start(floating, mounts=(), command=("sh", "-c", "httpd -p 8888 -h /tmp; sleep 100000"))
    site.wait(Phase.RUNNING, pinned, floating)
    availability(site, "manager", "active")
    assert {site.record(user).status.node for user in (pinned, floating)} == {"worker"}
    yield pinned, floating
    if not worker.running:
        worker.start()
    worker.heal()
    availability(site, "worker", "active")
    swarmhub(site, "uncordon", "worker")
    wait_for("the worker to be ready", lambda: state(site) == "ready", timeout=60)


def is_paused(site: Site) -> bool:
    """Tell whether the operator knows that the manager takes no tasks."""
    return any(
        (n.hostname, n.availability) == ("manager", "pause") for n in site.store.list_nodes()
    )


def availability(site: Site, node: str, wanted: str) -> None:
    """Do as `docker node update --availability` does."""
    swarm_nodes.set_availability(site.manager, node, wanted)


def state(site: Site) -> str:
    """Return the worker's state as the managers see it."""
    raw = site.manager.client.api.nodes(filters={"name": "worker"})
    return str(raw[0]["Status"]["State"])


def swarmhub(site: Site, *words: str) -> Result:
    """Run the command beside the manager's engine."""
    environment = {"SWARMHUB_STATE_URL": site.store.url, "DOCKER_HOST": site.manager.socket}
    return CliRunner().invoke(app, list(words), env=environment)


def containers(node: Node, user: str) -> list[str]:
    """Return the containers of a notebook that run on a node, whatever the managers believe."""
    label = f"label=com.docker.swarm.service.name=jupyter-{user}"
    return node.docker("ps", "--quiet", "--filter", label).split()


def tasks(site: Site, user: str) -> list[dict[str, Any]]:
    """Return all tasks of a notebook."""
    found: list[dict[str, Any]] = site.manager.client.api.tasks(
        filters={"service": f"jupyter-{user}"}
    )
    return found


def addresses(site: Site, record: Notebook) -> set[str]:
    """Return what Swarm's name server tells of the notebook's address, beside the operator."""
    assert record.status.address is not None
    name = record.status.address.split("//")[1].split(":")[0]
    told = site.manager.docker(
        "exec", "place-of-the-operator", "sh", "-c", f"nslookup {name} 127.0.0.11 || true"
    )
    lines = (line for line in told.splitlines() if line.startswith("Address"))
    return {line.split()[-1] for line in lines if "127.0.0.11" not in line}


def own_address(site: Site, record: Notebook) -> str:
    """Return the address of the notebook's one task."""
    (task,) = (t for t in tasks(site, record.metadata.name) if t["ID"] == record.status.task_id)
    found = [a["Addresses"][0].split("/")[0] for a in task["NetworksAttachments"]]
    return str(found[-1])


def until_down(site: Site, pinned: str) -> None:
    """Wait until the managers miss the worker, and then until everybody can know it."""
    wait_for("the worker to be down", lambda: state(site) == "down", timeout=60)
    wait_for(
        "the pinned notebook to say so",
        lambda: "is down since" in site.record(pinned).status.message,
        timeout=10,
    )
    assert site.record(pinned).status.phase is Phase.PENDING
    told = swarmhub(site, "status")
    assert told.exit_code == 1
    assert "node worker: down" in told.stdout
    assert pinned in told.stdout
    assert "worker" in swarmhub(site, "nodes").stdout


def assert_moved(site: Site, floating: str) -> None:
    """Check that the floating notebook runs on the manager and is found by its name there."""
    wait_for(
        "the floating notebook to leave the worker",
        lambda: site.record(floating).status.node == "manager",
        timeout=60,
    )
    site.wait(Phase.RUNNING, floating)
    record = site.record(floating)
    assert addresses(site, record) == {own_address(site, record)}
    assert site.restarts(floating)[floating] == (1, 0)


def _is_told_alone(site: Site, record: Notebook) -> bool:
    return addresses(site, record) == {own_address(site, record)}


def assert_back(site: Site, worker: Node, pinned: str, floating: str) -> None:
    """Check that each runs once, the pinned one where its home is, and nothing changes."""
    site.wait(Phase.RUNNING, pinned, timeout=60)
    site.assert_settled(pinned, floating)
    assert site.record(pinned).status.node == "worker"
    assert len(containers(worker, pinned)) == 1
    wait_for("the copy on the worker to end", lambda: not containers(worker, floating), timeout=30)
    assert len(containers(site.manager, floating)) == 1
    for user in (pinned, floating):
        record = site.record(user)
        wait_for(
            f"only the address of {user} to be told",
            partial(_is_told_alone, site, record),
            timeout=_NAMES_WITHIN,
        )
        assert (record.status.failures, record.status.restarts) == (0, 1)
    assert site.starts(pinned) == 2


def test_a_worker_loses_its_power_and_returns_late(
    site: Site, worker: Node, on_worker: tuple[str, str]
) -> None:
    """What floats runs elsewhere, what has its home there waits; nothing runs twice."""
    pinned, floating = on_worker
    worker.kill()
    until_down(site, pinned)
    assert_moved(site, floating)
    assert site.record(pinned).status.phase is Phase.PENDING
    worker.start()
    assert_back(site, worker, pinned, floating)


def test_a_worker_is_cut_off_and_heals(
    site: Site, worker: Node, on_worker: tuple[str, str]
) -> None:
    """Its containers run on unseen meanwhile, and are ended before anything starts there anew."""
    pinned, floating = on_worker
    (before,) = containers(worker, pinned)
    worker.cut_off()
    until_down(site, pinned)
    assert_moved(site, floating)
    assert containers(worker, pinned) == [before]
    worker.heal()
    assert_back(site, worker, pinned, floating)
    assert containers(worker, pinned) != [before]


def test_a_drain_by_docker_itself(site: Site, worker: Node, on_worker: tuple[str, str]) -> None:
    """Swarm stops all; what floats runs elsewhere, what has its home there waits and says so."""
    pinned, floating = on_worker
    availability(site, "worker", "drain")
    assert_moved(site, floating)
    wait_for(
        "the pinned notebook to say why it waits",
        lambda: (
            "worker" in site.record(pinned).status.message and site.in_phase(pinned, Phase.PENDING)
        ),
        timeout=30,
    )
    availability(site, "worker", "active")
    assert_back(site, worker, pinned, floating)


def test_a_drain_by_swarmhub(site: Site, worker: Node, on_worker: tuple[str, str]) -> None:
    """It tells first; then what floats moves, what is idle stops, what is in use stays."""
    pinned, floating = on_worker
    told = swarmhub(site, "drain", "worker", "--dry-run")
    assert told.exit_code == 0
    assert pinned in told.stdout
    assert site.record(floating).status.node == "worker"
    site.store.note_activity({pinned: datetime.now(UTC)})
    done = swarmhub(site, "drain", "worker", "--yes", "--timeout", "60s")
    assert done.exit_code == 1, done.output
    assert f"notebook/{floating} moved to manager" in done.stdout
    assert f"notebook/{pinned} stays (in use)" in done.stdout
    assert_moved(site, floating)
    assert site.record(pinned).status.phase is Phase.RUNNING
    site.store.note_activity({pinned: datetime.now(UTC) - timedelta(hours=1)})
    idle = swarmhub(site, "drain", "worker", "--yes", "--idle-after", "0s", "--timeout", "60s")
    assert idle.exit_code == 0, idle.output
    assert f"notebook/{pinned} stopped" in idle.stdout
    wait_for("its container to end", lambda: not containers(worker, pinned), timeout=30)
    assert swarmhub(site, "uncordon", "worker").exit_code == 0
    site.start(pinned)
    site.wait(Phase.RUNNING, pinned)
    assert site.record(pinned).status.node == "worker"
    site.assert_settled(pinned, floating)
