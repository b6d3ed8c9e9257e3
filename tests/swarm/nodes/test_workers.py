"""What a worker needs to run notebooks: images through the registry's door, the way to the hub."""

import httpx
import pytest
from support import look, swarm_nodes
from support.shell import CommandError
from support.three_nodes import ThreeNodes
from support.tiny import load_tiny

_SINGLEUSER = "127.0.0.1:5000/swarmhub/singleuser"


def _door(nodes: ThreeNodes) -> str:
    return f"http://{nodes.manager.address}:5001/v2"


def test_server_runs_on_a_worker(nodes: ThreeNodes) -> None:
    """The worker pulls the image through its relay; the browser gets JupyterLab from there."""
    user = nodes.stack.login("nora")
    with swarm_nodes.only(nodes.manager, "worker1"):
        user.start()
    assert swarm_nodes.node_of(nodes.manager, "nora") == "worker1"
    assert swarm_nodes.holders(nodes.all, "jupyterhub-user-nora") == ["worker1"]
    assert nodes.worker1.docker("images", "--quiet", _SINGLEUSER).strip()
    with user.server() as client:
        page = client.get("lab")
    assert page.status_code == 200
    assert "JupyterLab" in page.text
    assert "single-user server" in nodes.stack.swarmhub("logs", "nora")
    user.put_file("note.txt", "far")
    path = "/home/jovyan/work/note.txt"
    assert swarm_nodes.read_file(nodes.worker1, "nora", path) == "far"
    swarm_nodes.write_file(nodes.worker1, "nora", path, "near")
    assert user.get_file("note.txt") == "near"
    user.stop()


def test_server_on_a_worker_reaches_the_hub(nodes: ThreeNodes) -> None:
    """By the address that no restart changes; without it nobody could log in to the server."""
    user = nodes.stack.login("olaf")
    with swarm_nodes.only(nodes.manager, "worker2"):
        user.start()
    code = (
        "import os, urllib.request as u; "
        "print(u.urlopen(os.environ['JUPYTERHUB_API_URL'], timeout=5).read().decode())"
    )
    assert '"version"' in user.run_code(code)
    assert str(nodes.manager.address) in user.run_code(
        "import os; print(os.environ['JUPYTERHUB_API_URL'])"
    )
    user.stop()


def test_nothing_is_pushed_through_the_door(nodes: ThreeNodes) -> None:
    """A worker, and so anybody who reaches the manager, may pull only."""
    with pytest.raises(CommandError):
        nodes.worker1.docker("push", load_tiny(nodes.worker1))
    names = httpx.get(f"{_door(nodes)}/_catalog", timeout=10).json()["repositories"]
    assert "swarmhub/singleuser" in names
    assert "test/tiny" not in names


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "blobs/uploads/"),
        ("PUT", "manifests/latest"),
        ("DELETE", "manifests/{digest}"),
        ("DELETE", "blobs/{digest}"),
    ],
)
def test_nothing_is_changed_through_the_door(nodes: ThreeNodes, method: str, path: str) -> None:
    """Every request that would change what the registry holds is refused by method."""
    image = f"{_door(nodes)}/swarmhub/hub"
    asked = httpx.head(
        f"{image}/manifests/latest",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
        timeout=10,
    )
    assert asked.status_code == 200
    digest = asked.headers["Docker-Content-Digest"]
    answer = httpx.request(method, f"{image}/{path.format(digest=digest)}", timeout=10)
    assert answer.status_code == 405


def test_storage_cannot_be_written_by_the_doors_process(nodes: ThreeNodes) -> None:
    """Even a fault of the program behind the door changes no image."""
    container = look.stack_container(nodes.manager, "registry-pull")
    with pytest.raises(CommandError, match="Read-only file system"):
        nodes.manager.docker("exec", container, "touch", "/srv/swarmhub/registry/x")


def test_worker_that_lost_power_comes_back_with_its_relay(nodes: ThreeNodes) -> None:
    """Killed and started again it is Ready, and pulls."""
    nodes.worker2.kill()
    swarm_nodes.wait_down(nodes.manager, "worker2")
    nodes.worker2.start()
    swarm_nodes.wait_ready(nodes.manager, "worker2")
    image = "127.0.0.1:5000/swarmhub/registry:latest"
    nodes.worker2.docker("pull", image, timeout=120)
    assert nodes.worker2.docker("images", "--quiet", image).strip()
    nodes.worker2.docker("image", "rm", image)
