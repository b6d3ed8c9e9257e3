"""What `top` and `bug-report` ask of an engine, held to a real one."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from support.fixtures import overlay_network
from support.node import Node
from support.records import NETWORK
from support.records import notebook as record
from support.waiting import wait_for
from swarmhub_crds.notebook import Resources
from swarmhub_crds.store import Store
from swarmhub_operator.cli.app import app
from swarmhub_operator.decide.build import Placement, Wanted, secret_file, secret_name, service_spec
from swarmhub_operator.engine.docker_engine import DockerEngine
from swarmhub_operator.engine.shares import Share
from typer.testing import CliRunner

UID = "inspected-store"
MIB = 2**20
BUSY = "echo Using token the-token-itself; while :; do :; done"


def _started(adapter: DockerEngine, image: str) -> Share:
    """Start a notebook that is busy, within its limits, and return its share once it runs."""
    wanted = Wanted(
        record(
            "busy",
            user="busy",
            image=image,
            command=("sh", "-c", BUSY),
            environment={"PLAIN": "plain-value"},
            resources=Resources(
                cpu_limit=0.25, cpu_guarantee=0.1, mem_limit=64 * MIB, mem_guarantee=16 * MIB
            ),
        ),
        UID,
        {},
    )
    name = secret_name(wanted.notebook)
    assert name is not None
    secret = adapter.create_secret(name, secret_file({"TOKEN": "the-token-itself"}), {})
    adapter.create_service(service_spec(wanted, Placement(image), secret))

    def found() -> Share | None:
        return next((s for s in adapter.shares() if s.store == UID and s.running), None)

    share = wait_for("a notebook to run", found, timeout=30)
    assert share is not None
    return share


def test_what_is_used_and_what_is_reported(engine: Node, tiny: str, tmp_path: Path) -> None:
    """Readings, shares and lists have the form that is expected, and no secret gets out."""
    adapter = DockerEngine(engine.socket)
    url = f"sqlite:///{tmp_path}/state.db"
    with overlay_network(engine, NETWORK):
        share = _started(adapter, tiny)
        assert (share.requests.nano_cpus, share.requests.memory) == (10**8, 16 * MIB)
        assert (share.limits.nano_cpus, share.limits.memory) == (25 * 10**7, 64 * MIB)
        assert adapter.sample("0" * 64) is None
        Store.open(url, uid=UID).close()
        environment = {"DOCKER_HOST": engine.socket, "SWARMHUB_STATE_URL": url}
        told = CliRunner().invoke(app, ["top", "notebooks", "-o", "json"], env=environment)
        (busy,) = json.loads(told.stdout)["items"]
        assert 0.1 < busy["usage"]["cpu"] < 0.4
        assert 0 < busy["usage"]["memory"] < 64 * MIB
        assert json.loads(told.stdout)["notMeasured"] == []
        told = CliRunner().invoke(app, ["top", "nodes", "-o", "json"], env=environment)
        (node,) = json.loads(told.stdout)["items"]
        assert node["usage"]["cpu"] > 0.1
        assert node["capacity"]["memory"] > 64 * MIB
        report = CliRunner().invoke(app, ["bug-report", "-"], env=environment)
        with tarfile.open(fileobj=io.BytesIO(report.stdout_bytes)) as archive:
            files = {m.name.partition("/")[2]: archive.extractfile(m) for m in archive}
            texts = {name: file.read().decode() for name, file in files.items() if file}
        assert {"engine/about.json", "engine/tasks.json", "engine/nodes.json"} <= set(texts)
        (service,) = json.loads(texts["engine/services.json"])
        assert "PLAIN=(hidden)" in service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"]
        assert [n["Name"] for n in json.loads(texts["engine/networks.json"])] == [NETWORK]
        assert "plain-value" not in "".join(texts.values())
        assert "jupyter-busy-0123" not in texts["engine/services.json"]
        adapter.remove_service(service["ID"])
        wait_for("it to be gone", lambda: adapter.sample(share.container) is None, timeout=30)
