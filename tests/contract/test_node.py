"""The throw-away engines are what the other tests take them for: whole machines in a Swarm."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import links, processes
from support.cluster import Cluster
from support.fixtures import overlay_network
from support.node import Node
from support.tiny import load_tiny
from support.waiting import wait_for

_SERVE = "echo $HOSTNAME >/tmp/index.html; exec httpd -f -p 80 -h /tmp"
_ASK = "until timeout 2 wget -q -O /dev/null http://pages/; do sleep 0.2; done; exec sleep 600"


@pytest.fixture(scope="module")
def overlay(engine: Node) -> Iterator[str]:
    """Make an overlay network and remove it after its services."""
    with overlay_network(engine, "pages-net") as made:
        yield made


@pytest.fixture
def worker(cluster: Cluster, engine: Node) -> Iterator[Node]:
    """Join a second node to the Swarm and take it out again."""
    node = cluster.add("worker")
    node.join(engine)
    yield node
    cluster.remove(node)
    engine.docker("node", "rm", "--force", "worker")


def _create(engine: Node, name: str, network: str, image: str, script: str, *options: str) -> None:
    common = ("--detach", "--endpoint-mode", "dnsrr", "--stop-grace-period", "0s")
    place = ("--network", network, "--name", name)
    engine.docker("service", "create", *common, *place, *options, image, "sh", "-c", script)


def _container(engine: Node, service: str) -> str:
    """Id of the running container of a service on this very node, or nothing."""
    label = f"label=com.docker.swarm.service.name={service}"
    return engine.docker("ps", "--quiet", "--no-trunc", "--filter", label).strip()


def _status(engine: Node, node: str) -> str:
    return engine.docker("node", "inspect", "--format", "{{.Status.State}}", node).strip()


def test_engine_is_a_manager_with_a_name_and_address_of_its_own(engine: Node) -> None:
    """The engine does not pass for the machine on which the tests run."""
    info = engine.client.info()
    assert info["Name"] == "engine"
    assert info["Swarm"]["NodeAddr"] == str(engine.address)
    assert info["Swarm"]["ControlAvailable"] is True


def test_services_find_each_other_by_name_and_are_reached_from_here(
    engine: Node, overlay: str, tiny: str
) -> None:
    """Overlay, dnsrr and ports published on the node carry traffic."""
    port = ("--publish", "mode=host,published=8081,target=80")
    _create(engine, "pages", overlay, tiny, _SERVE, *port)
    _create(engine, "reader", overlay, tiny, _ASK)
    container = wait_for("the service's container", lambda: _container(engine, "pages"))
    reader = wait_for("the reader's container", lambda: _container(engine, "reader"))
    wait_for("an answer by name", lambda: "sleep 600" in engine.docker("top", reader))
    page = httpx.get(f"http://{engine.address}:8081/", timeout=5)
    assert page.text.strip() == container[:12]


def test_containers_resolve_names_of_the_world(engine: Node, tiny: str) -> None:
    """What a build needs, a container gets: the way out and a name server."""
    said = engine.docker("run", "--rm", tiny, "nslookup", "deb.debian.org")
    assert "Address" in said.partition("deb.debian.org")[2]


def test_process_of_a_container_can_be_killed_from_here(engine: Node, tiny: str) -> None:
    """pid_of_container finds the very process, although the engine counts pids differently."""
    container = engine.docker("run", "--detach", tiny, "sleep", "600").strip()
    pid = engine.pid_of_container(container)
    assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00600\x00"
    os.kill(pid, signal.SIGKILL)
    assert engine.docker("wait", container).strip() == "137"
    engine.docker("rm", container)


def test_services_on_a_node_find_its_engine_where_every_engine_is(
    engine: Node, worker: Node
) -> None:
    """What mounts /var/run/docker.sock talks to the engine of the node on which it runs."""
    ask = ("docker", "--host", "unix:///var/run/docker.sock", "info", "--format", "{{.Name}}")
    assert [node.run_inside(*ask).strip() for node in (engine, worker)] == ["engine", "worker"]
    mount = ("--volume", "/var/run/docker.sock:/engine.sock")
    worker.docker("run", "--rm", *mount, load_tiny(worker), "test", "-S", "/engine.sock")


def test_node_that_lost_power_is_noticed_and_comes_back(engine: Node, worker: Node) -> None:
    """A killed node is Down for the others, and after a start is the same node again."""
    before = engine.docker("node", "inspect", "--format", "{{.ID}}", "worker")
    worker.kill()
    wait_for("the worker to be down", lambda: _status(engine, "worker") == "down")
    worker.start()
    wait_for("the worker to be ready", lambda: _status(engine, "worker") == "ready")
    assert engine.docker("node", "inspect", "--format", "{{.ID}}", "worker") == before
    assert str(worker.address) in worker.run_inside("ip", "address")


def test_node_that_is_cut_off_is_noticed_and_healed(engine: Node, worker: Node) -> None:
    """A node without network goes on running, and is ready again once it has network."""
    worker.cut_off()
    wait_for("the worker to be down", lambda: _status(engine, "worker") == "down")
    assert worker.client.ping()
    worker.heal()
    wait_for("the worker to be ready", lambda: _status(engine, "worker") == "ready")


def test_overlay_joins_containers_of_two_nodes(
    engine: Node, worker: Node, overlay: str, tiny: str
) -> None:
    """A service on one node answers a container on another one."""
    load_tiny(worker)
    _create(engine, "far", overlay, tiny, _SERVE, "--constraint", "node.hostname==worker")
    far = wait_for("the container on the worker", lambda: _container(worker, "far"))
    ask = "until timeout 2 wget -q -O - http://far/; do sleep 0.2; done"
    said = engine.docker("run", "--rm", "--network", overlay, tiny, "sh", "-c", ask)
    assert said.splitlines()[-1] == far[:12]


def test_nothing_is_left_when_the_test_run_is_killed(tiny: str) -> None:
    """SIGKILL leaves a process no time to clean up; it is done all the same."""
    script = """
        import json, sys, time
        from support.cluster import Cluster
        from support.tiny import load_tiny
        cluster = Cluster()
        node = cluster.add("lonely")
        node.docker("run", "--detach", load_tiny(node), "sleep", "600")
        print(json.dumps([str(cluster.workdir), cluster.network.bridge, node.cgroup]), flush=True)
        time.sleep(600)
    """
    run = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stdout is not None
        workdir, bridge, cgroup = json.loads(run.stdout.readline())
        run.kill()
    wait_for("the directory to go", lambda: not Path(workdir).exists())
    assert processes.mentioning(workdir) == []
    wait_for("the bridge to go", lambda: not links.exists(bridge))
    assert not Path("/sys/fs/cgroup/memory", cgroup).exists()


def test_what_an_engine_says_is_part_of_the_error(cluster: Cluster) -> None:
    """An engine that cannot start tells why; here its configuration holds an unknown option."""
    with pytest.raises(RuntimeError, match="no-such-option"):
        cluster.add("broken", {"no-such-option": True})
    cluster.remove(cluster.nodes["broken"])


@pytest.mark.parametrize("name", ["Upper", "", "a_b", "x" * 32, "engine"])
def test_impossible_names_of_nodes_are_refused(cluster: Cluster, engine: Node, name: str) -> None:
    """A node's name becomes a host name, a folder and a control group."""
    with pytest.raises(ValueError, match="choose another name"):
        cluster.add(name)
