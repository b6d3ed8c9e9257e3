"""A Prometheus of Debian's packages, asked what the product's dashboard and rules ask."""

import io
import json
import math
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from support.node import Node
from support.shell import run
from support.waiting import wait_for

MONITORING = Path(__file__).parents[2] / "images" / "monitoring"
JOB = "swarmhub-operator"
IMAGE = "127.0.0.1:5000/test/prometheus:latest"
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']}-{number}")
    for panel in json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    for number, target in enumerate(panel.get("targets", ()))
]
_PORT = 9090
_SERVICE = "prometheus"
_CONFIGS = {
    "swarmhub-prometheus": ("prometheus.yml", "/etc/prometheus/prometheus.yml"),
    "swarmhub-alerts": ("alerts.yml", "/etc/prometheus/swarmhub-alerts.yml"),
}


def rule_names() -> set[str]:
    """Return the names of the product's rules."""
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"]}


def program() -> str:
    """Return the path of the program on this machine."""
    found = shutil.which("prometheus")
    assert found, "prometheus is missing: `tests/support/prepare engine` brings it"
    return found


class Prometheus:
    """A Prometheus that runs, as who asks it knows it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(f"{self._url}/-/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, query: str) -> list[float]:
        """Return the numbers that answer a query."""
        answer = httpx.get(f"{self._url}/api/v1/query", params={"query": query})
        assert answer.status_code == 200, answer.text
        values = [float(one["value"][1]) for one in answer.json()["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    def ask_panel(self, query: str, window: str) -> list[float]:
        """Return the numbers that a panel would show, with rates over a window as in "1m"."""
        return self.ask(query.replace("$job", JOB).replace("$__rate_interval", window))

    def await_scrape(self) -> None:
        """Wait until it has asked the operator once more."""
        now, up = time.time(), f'timestamp(up{{job="{JOB}"}} == 1)'
        wait_for("a scrape", lambda: any(at > now for at in self.ask(up)))

    def rules(self) -> dict[str, str]:
        """Return whether each rule could be evaluated, by its name."""
        groups = httpx.get(f"{self._url}/api/v1/rules").json()["data"]["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}


@contextmanager
def deployed(manager: Node, network: str) -> Iterator[Prometheus]:
    """Run one as docs/metrics.md says: in a network, with the product's own two files.

    Args:
        manager: where the product's registry is.
        network: which the operator has joined.
    """
    manager.docker("import", "-", IMAGE, input=_archive(), timeout=180)
    manager.docker("push", "--quiet", IMAGE, timeout=180)
    given = ["--publish", f"mode=host,target={_PORT},published={_PORT}"]
    for name, (file, target) in _CONFIGS.items():
        manager.docker("config", "create", name, str(MONITORING / file))
        given += ["--config", f"source={name},target={target}"]
    command = ("/bin/prometheus", "--config.file=/etc/prometheus/prometheus.yml")
    try:
        about = ("--detach", "--name", _SERVICE, "--network", network, "--endpoint-mode", "dnsrr")
        manager.docker("service", "create", *about, *given, IMAGE, *command)
        made = Prometheus(f"http://{manager.address}:{_PORT}")
        wait_for("Prometheus on the Swarm", made.ready, timeout=90)
        yield made
    finally:
        _remove(manager)


def _remove(manager: Node) -> None:
    label = f"label=com.docker.swarm.service.name={_SERVICE}"
    if manager.docker("service", "ls", "--quiet", "--filter", f"name={_SERVICE}").strip():
        manager.docker("service", "rm", _SERVICE)
    wait_for("Prometheus to end", lambda: not manager.docker("ps", "--quiet", "--filter", label))
    manager.docker("config", "rm", *_CONFIGS)


def _archive() -> bytes:
    """Return the root file system of an image: the program and the libraries that it loads."""
    binary = program()
    libraries = [word for word in run("ldd", binary).split() if word.startswith("/")]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        archive.add(binary, "bin/prometheus")
        for library in libraries:
            archive.add(library, library.lstrip("/"))
    return buffer.getvalue()
