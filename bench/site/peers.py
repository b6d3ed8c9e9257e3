"""Hubs with other spawners, on the same network, beside ours; one at a time."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.node import Node
from support.waiting import wait_for

from bench.site.hub import USER, HubClient

_HERE = Path(__file__).parents[1] / "peers"
_BUILT_WITHIN = 600.0  # seconds
_UP_WITHIN = 90.0  # seconds


@dataclass(frozen=True, slots=True)
class Peer:
    """Another spawner.

    Attributes:
        name: what it is called in the figures.
        package: name on PyPI.
        version: that is measured.
        port: of its proxy, on the node.
    """

    name: str
    package: str
    version: str
    port: int


PEERS = (
    Peer("dockerspawner", "dockerspawner", "14.0.0", 8101),
    Peer("jhub-swarmspawner", "jhub-swarmspawner", "0.6.3", 8102),
)


def build(node: Node, peer: Peer, hub_image: str) -> str:
    """Build the image of a peer's hub and return its name."""
    name = f"bench-{peer.name}:{peer.version}"
    with tempfile.TemporaryDirectory() as folder:
        for file in ("Dockerfile", "peer_config.py"):
            shutil.copy(_HERE / file, folder)
        given = (f"HUB={hub_image}", f"PACKAGE={peer.package}=={peer.version}")
        options = [word for one in given for word in ("--build-arg", one)]
        node.docker("build", "--tag", name, *options, folder, timeout=_BUILT_WITHIN)
    return name


@contextmanager
def running(
    node: Node, peer: Peer, image: str, proxy_image: str, notebook: str, network: str
) -> Iterator[HubClient]:
    """Run a peer's hub and proxy, and yield a client of it.

    Args:
        node: a manager, where both run.
        peer: whose.
        image: of its hub, see `build`.
        proxy_image: with configurable-http-proxy.
        notebook: image of the notebooks.
        network: their overlay network.

    Raises:
        TimeoutError: it does not answer.
    """
    token = secrets.token_hex(16)
    hub, proxy = f"{peer.name}-hub", f"{peer.name}-proxy"
    place = ("--network", network, "--constraint", "node.role==manager")
    common = (*place, "--endpoint-mode", "dnsrr", "--detach", "--quiet")
    door = f"published={peer.port},target=8000,mode=host"
    variables = {
        "BENCH_PEER": peer.name,
        "BENCH_NETWORK": network,
        "BENCH_HUB": hub,
        "BENCH_PROXY": proxy,
        "BENCH_TOKEN": token,
        "BENCH_USER": USER,
        "BENCH_IMAGE": notebook,
    }
    given = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
    socket = "type=bind,source=/run/docker.sock,target=/var/run/docker.sock"
    listen = ("--ip=0.0.0.0", "--port=8000", "--api-ip=0.0.0.0", "--api-port=8001")
    node.docker(
        *("service", "create", "--name", proxy, *common, "--publish", door),
        *("--env", f"CONFIGPROXY_AUTH_TOKEN={token}", "--entrypoint", "configurable-http-proxy"),
        *(proxy_image, *listen, f"--default-target=http://{hub}:8081"),
    )
    try:
        node.docker(
            *("service", "create", "--name", hub, *common, *given, "--user", "0:0"),
            *("--mount", socket, image),
        )
        url = f"http://{node.address}:{peer.port}"
        with HubClient(url, token) as client:
            wait_for(f"the hub of {peer.name}", client.answers, _UP_WITHIN, 0.5)
        with HubClient.of_user(url, token) as client:
            yield client
    finally:
        for service in (hub, proxy):
            if node.docker("service", "ls", "--quiet", "--filter", f"name={service}").strip():
                node.docker("service", "rm", service)
