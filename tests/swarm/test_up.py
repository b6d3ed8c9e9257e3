"""`make up` again, `make down`, `make up`: what stays. And what `make up` says when it cannot."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import look
from support.cluster import Cluster
from support.node import Node
from support.stack import HubStack, script
from support.tiny import load_tiny


def _ids(stack: HubStack, label: str) -> set[str]:
    return {service["ID"] for service in look.services(stack.engine, label)}


def test_second_up_changes_nothing(hub_stack: HubStack) -> None:
    """It builds nothing, restarts nothing, tells no password again, and keeps the site's file."""
    user = hub_stack.login("pia")
    user.start()
    namespace = "com.docker.stack.namespace=swarmhub"
    services = _ids(hub_stack, namespace)
    containers = set(look.containers(hub_stack.engine, namespace))
    done = hub_stack.up()
    assert done.returncode == 0, done.stdout
    assert "made of just these sources already" in done.stdout
    assert "the hub also loads swarmhub-hub-config-" in done.stdout
    assert hub_stack.user_password not in done.stdout
    assert hub_stack.admin_password not in done.stdout
    assert _ids(hub_stack, namespace) == services
    assert set(look.containers(hub_stack.engine, namespace)) == containers
    assert user.run_code("print('undisturbed')").strip() == "undisturbed"
    user.stop()


def test_down_and_up_keep_homes_users_and_passwords(hub_stack: HubStack) -> None:
    """After `make down` nothing runs; after `make up` everything is as it was left."""
    user = hub_stack.login("quin")
    user.start()
    user.put_file("note.txt", "kept")
    done = script("down", hub_stack.engine.environment)
    assert done.returncode == 0, done.stdout
    for label in ("com.docker.stack.namespace=swarmhub", "swarmhub.notebook=quin"):
        assert look.services(hub_stack.engine, label) == []
    shown = script("swarmhub", hub_stack.engine.environment, words=("policy", "show"))
    assert shown.returncode == 0, shown.stdout
    assert re.search(r"home_grace\W+2\b", shown.stdout), "the operator's policy, not the defaults"
    volumes = hub_stack.engine.docker("volume", "ls", "--quiet").split()
    assert {"swarmhub_state", "swarmhub_hub", "jupyterhub-user-quin"} <= set(volumes)
    done = hub_stack.up()
    assert done.returncode == 0, done.stdout
    assert "printed this once" not in done.stdout
    user = hub_stack.login("quin")
    user.wait_ready()  # its record still says that it should run, so nobody has to ask for it
    assert user.get_file("note.txt") == "kept"
    user.stop()


def test_another_login_by_configuration(hub_stack: HubStack, tmp_path: Path) -> None:
    """A site's file swaps the authenticator; naming the earlier file brings it back.

    It may be another hub's, with the network that its notebooks were in.
    """
    site = tmp_path / "site.py"
    site.write_text(
        'c.JupyterHub.authenticator_class = "native"\n'
        'c.DockerSpawner.network_name = "jupyterhub"\n'
        'c.DockerSpawner.extra_host_config = {"network_mode": "jupyterhub", "shm_size": "64m"}\n'
    )
    earlier = str(Path(__file__).with_name("hub_config.py"))
    try:
        done = hub_stack.up(HUB_CONFIG=str(site))
        assert done.returncode == 0, done.stdout
        assert "c.DockerSpawner.network_name, which the stack has set already" in done.stdout
        page = httpx.get(f"{hub_stack.url}/hub/signup", timeout=10)
        assert page.status_code == 200
        assert "Create User" in page.text or "Sign Up" in page.text
    finally:
        done = hub_stack.up(HUB_CONFIG=earlier)
    assert done.returncode == 0, done.stdout
    hub_stack.login("rosa").close()


def test_status_needs_no_arguments(hub_stack: HubStack) -> None:
    """`make status` shows the operator and the notebooks, and says that all is well."""
    done = script("status", hub_stack.engine.environment)
    assert done.returncode == 0, done.stdout
    assert "operator" in done.stdout.lower()


@pytest.fixture
def fresh(cluster: Cluster) -> Iterator[Node]:
    """Yield a second machine with an engine that is in no Swarm."""
    node = cluster.add("fresh")
    yield node
    cluster.remove(node)


def _refusal(node: Node, **settings: str) -> str:
    done = script("up", {**node.environment, **settings}, timeout=120)
    assert done.returncode == 1
    sentences = [line for line in done.stdout.splitlines() if line.startswith("swarmhub: ")]
    assert len(sentences) == 1, done.stdout
    return sentences[0]


def test_worker_is_told_apart(engine: Node, fresh: Node) -> None:
    """On a worker: where to run it instead."""
    fresh.join(engine)
    assert "is a worker of a Swarm: run this on a manager" in _refusal(fresh)
    engine.docker("node", "rm", "--force", "fresh")


def test_engine_that_is_not_there(fresh: Node) -> None:
    """A DOCKER_HOST without an engine: start it or unset the variable."""
    nowhere = {"DOCKER_HOST": "unix:///nonexistent.sock"}
    assert "No engine answers at DOCKER_HOST=unix:///nonexistent.sock" in _refusal(fresh, **nowhere)


def test_file_that_is_not_there(fresh: Node) -> None:
    """A HUB_CONFIG that cannot be read is said before anything is done."""
    assert "HUB_CONFIG=/no/file.py cannot be read" in _refusal(fresh, HUB_CONFIG="/no/file.py")


def test_port_that_is_taken(fresh: Node) -> None:
    """Somebody else's port 8000: stop it or choose another."""
    fresh.docker("run", "--detach", "--publish", "8000:80", load_tiny(fresh), "sleep", "600")
    said = _refusal(fresh, SWARMHUB_ADDRESS=str(fresh.address))
    assert "Port 8000 is taken by another program" in said
    assert re.search(r"SWARMHUB_PORT=\d+", said)
