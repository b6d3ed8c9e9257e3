"""`swarmhub doctor` on real engines: what it takes for a fault is one there, too."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster import Cluster
from support.fixtures import overlay_network
from support.node import Node
from support.tiny import load_tiny
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired, NotebookSpec
from swarmhub_crds.store import Store

NETWORK = "doctor-notebooks"
PROBE = "127.0.0.1:5000/test/probe:1"
# Stands in for Python in an image that has none: real names, disk and clock, in the program's form.
PROGRAM = """#!/bin/sh
names=
for word in "$@"; do
  case $word in
    --resolve=*)
      name=${word#--resolve=}
      if nslookup "$name" >/dev/null 2>&1; then why=; else why=unknown; fi
      names="$names${names:+,}\\"$name\\":\\"$why\\"" ;;
  esac
done
set -- $(df -k / | tail -n 1)
disk="{\\"total\\":$(($2 * 1024)),\\"free\\":$(($4 * 1024))}"
echo "{\\"at\\":\\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\",\\"disk\\":$disk,\\"names\\":{$names}}"
id -u >&2
touch /tmp/written 2>/dev/null && exit 1
exit 0
"""


class Site:
    """A store, and a command that asks an engine."""

    def __init__(self, folder: Path, engine: Node) -> None:
        self.url = f"sqlite:///{folder}/state.db"
        self.store = Store.open(self.url)
        self.engine = engine
        lease = self.store.acquire_lease("doctor-test", 3600)
        assert lease is not None

    def doctor(self, *words: str, at: Node | None = None) -> dict[str, list[dict[str, str]]]:
        """Run the command; return its findings by their checks."""
        ended = subprocess.run(
            [sys.executable, "-m", "swarmhub_operator.cli.main", "doctor", "-o", "json", *words],
            env={
                **os.environ,
                "SWARMHUB_STATE_URL": self.url,
                "SWARMHUB_NETWORK": NETWORK,
                "SWARMHUB_ERRAND_IMAGE": PROBE,
                "DOCKER_HOST": (at or self.engine).socket,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ended.returncode in (0, 1), ended.stderr
        told: dict[str, list[dict[str, str]]] = {}
        for finding in json.loads(ended.stdout)["findings"]:
            told.setdefault(finding["check"], []).append(finding)
        return told

    def verdicts(self, told: dict[str, list[dict[str, str]]], *checks: str) -> set[str]:
        """Return the verdicts of some checks."""
        return {f["verdict"] for check in checks for f in told[check]}


@pytest.fixture(scope="module")
def network(engine: Node) -> Iterator[str]:
    """Make a network of thirteen addresses, and remove it after what is on it."""
    with overlay_network(engine, NETWORK, "10.91.7.0/28") as made:
        yield made


@pytest.fixture(scope="module")
def worker(cluster: Cluster, engine: Node) -> Iterator[Node]:
    """Join a second node."""
    node = cluster.add("doctor-worker")
    node.join(engine)
    yield node
    cluster.remove(node)
    engine.docker("node", "rm", "--force", "doctor-worker")


@pytest.fixture
def site(engine: Node, tmp_path: Path) -> Iterator[Site]:
    """Yield a store beside the engine."""
    made = Site(tmp_path, engine)
    yield made
    made.store.close()


def load_probe(node: Node) -> None:
    """Put the image of the probe on a node."""
    tiny = load_tiny(node)
    text = base64.b64encode(PROGRAM.encode()).decode()
    write = f"echo {text} | base64 -d >/bin/python3 && chmod 0755 /bin/python3"
    node.docker("run", "--name", "maker", tiny, "sh", "-c", write)
    node.docker("commit", "maker", PROBE)
    node.docker("rm", "maker")


def serve(engine: Node, image: str, name: str, mode: str, replicas: int = 1) -> None:
    """Start a service on the network, and wait until all of it runs."""
    engine.docker(
        *("service", "create", "--name", name, "--network", NETWORK, "--endpoint-mode", mode),
        *("--constraint", "node.role==manager", "--no-resolve-image", "--detach"),
        *("--replicas", str(replicas), "--stop-signal", "KILL", image, "sleep", "600"),
    )
    form = "{{.Name}} {{.Replicas}}"
    all_of_it = f"{name} {replicas}/{replicas}"
    wait_for(all_of_it, lambda: all_of_it in engine.docker("service", "ls", "--format", form))


def test_all_engines_are_looked_at_from_within(
    site: Site, engine: Node, worker: Node, network: str, tiny: str
) -> None:
    """Clock, disk and names of both nodes; addresses, certificates and managers from here."""
    for node in (engine, worker):
        load_probe(node)
    serve(engine, tiny, "found", "dnsrr")
    told = site.doctor("--probe-nodes")
    well = ("engine", "manager", "quorum", "clock", "names", "endpoints", "addresses")
    assert site.verdicts(told, *well) == {"ok"}, told
    assert "find the names (2)" in told["names"][0]["message"]
    # One task, and one address of the node on which it runs.
    assert told["addresses"][0]["message"].startswith("11 of 13 addresses")
    assert told["disk"][0]["verdict"] != "unknown"
    assert told["certificates"][0]["verdict"] == "ok"  # the Swarm's own authority
    assert told["state"][0]["message"].startswith("No node has the label")
    left = engine.docker("service", "ls", "--format", "{{.Name}}").split()
    assert left == ["found"]


def test_faults_of_a_real_engine_are_found(
    site: Site, engine: Node, worker: Node, network: str, tiny: str
) -> None:
    """A virtual address, addresses nearly gone, a registry that is away, a worker's engine."""
    serve(engine, tiny, "virtual", "vip", replicas=7)
    site.store.apply_notebook(
        NotebookSpec(
            user="ada",
            image="127.0.0.1:5000/no/such:1",
            command=("start",),
            networks=(NETWORK,),
            desired=Desired.RUNNING,
        )
    )
    told = site.doctor()
    assert [(f["verdict"], "virtual" in f["message"]) for f in told["endpoints"]] == [
        ("warning", True)
    ]
    assert site.verdicts(told, "addresses") == {"failed"}
    # Seven more tasks and one virtual address.
    assert told["addresses"][0]["message"].startswith("3 of 13 addresses")
    assert [(f["verdict"], f["subject"]) for f in told["registry"]] == [
        ("failed", "127.0.0.1:5000")
    ]
    # The times of tasks agree on one clock; on the worker there is none that tells.
    assert site.verdicts(told, "clock") == {"unknown"}
    assert "doctor-worker" in told["clock"][0]["message"]
    elsewhere = site.doctor(at=worker)
    assert [f["verdict"] for f in elsewhere["manager"]] == ["failed"]
    assert "is a worker of the Swarm" in elsewhere["manager"][0]["message"]
    assert site.verdicts(elsewhere, "quorum", "addresses") == {"unknown"}
