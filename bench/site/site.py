"""The engine with everything on it, for the time of a run."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import look, tiny
from support.cluster import Cluster
from support.fixtures import OUTPUT, throw_away_cluster
from support.node import Node
from support.stack import HubStack, bring_up
from support.waiting import wait_for

from bench.site import peers
from bench.site.engine import EngineClient
from bench.site.floor import Floor
from bench.site.hub import USER, HubClient
from bench.site.room import Prober

NETWORK = "swarmhub_notebooks"
TINY = "tiny"  # whose name begins so has a notebook that is a tiny web server
_CALM_WITHIN = 120.0  # seconds
_TINY_SERVER = ["sh", "-c", "exec busybox httpd -f -p 8888"]
_NOTEBOOKS = ("jupyter-", "peer-", "bare-")  # how their services are called
_MODEL = "model"  # the user whose service shows what the operator makes


@dataclass(frozen=True)
class Site:
    """What a scenario works with.

    Attributes:
        cluster: of which more nodes can be had.
        node: the engine.
        stack: swarmhub on it.
        hub: a client of its hub.
        engine: a client of the engine.
        prober: in the notebooks' network.
        floor: the same services, made bare.
        images: by component: hub, proxy, singleuser.
        token_file: holds the token of `hub`.
    """

    cluster: Cluster
    node: Node
    stack: HubStack
    hub: HubClient
    engine: EngineClient
    prober: Prober
    floor: Floor
    images: dict[str, str]
    token_file: Path

    @contextmanager
    def peer(self, peer: peers.Peer) -> Iterator[HubClient]:
        """Run a peer and yield a client of its hub."""
        image = peers.build(self.node, peer, self.images["hub"])
        made = (self.images["proxy"], self.images["singleuser"], NETWORK)
        with peers.running(self.node, peer, image, *made) as client:
            yield client

    def calm(self) -> None:
        """Wait until no notebook runs or ends any more, whoever has made it.

        Raises:
            TimeoutError: one goes on.
        """

        def gone() -> bool:
            args = ("ps", "--all", "--format", "{{.Names}}")
            names = self.node.docker(*args).split()
            return not any(name.startswith(_NOTEBOOKS) for name in names)

        wait_for("notebooks to end", gone, _CALM_WITHIN, 0.2)


@contextmanager
def open_site() -> Iterator[Site]:
    """Make an engine with swarmhub on it; it is gone afterwards.

    Raises:
        RuntimeError: it cannot be made.
    """
    with ExitStack() as stack:
        cluster = stack.enter_context(throw_away_cluster("bench"))
        node = cluster.add("engine")
        node.swarm_init()
        OUTPUT.mkdir(exist_ok=True)
        token = secrets.token_hex(16)
        config = node.folder / "bench_config.py"
        config.write_text(_hub_config(token))
        product = bring_up(node, OUTPUT / "bench-up.log", {"HUB_CONFIG": str(config)})
        hub = stack.enter_context(HubClient.of_user(product.url, token))
        engine = stack.enter_context(EngineClient(node.socket))
        prober = stack.enter_context(Prober(node, look.stack_container(node, "hub")))
        template = _template(node, hub)
        floor = Floor(engine, prober, template)
        token_file = node.folder / "bench_token"
        token_file.write_text(hub.token)
        images = _images(node, template)
        yield Site(cluster, node, product, hub, engine, prober, floor, images, token_file)


def _hub_config(token: str) -> str:
    service = {"name": "bench", "api_token": token}
    scopes = ["admin:users", "admin:servers", "access:servers", "tokens"]
    role = {"name": "bench", "services": ["bench"], "users": [USER], "scopes": scopes}
    return "\n".join(
        [
            "c = get_config()",
            f"c.JupyterHub.services = [{service!r}]",
            f"c.JupyterHub.load_roles = [{role!r}]",
            "def by_name(spawner):",
            f"    if spawner.user.name.startswith({TINY!r}):",
            f"        spawner.image = {tiny.TINY!r}",
            f"        spawner.cmd = {_TINY_SERVER!r}",
            "c.Spawner.pre_spawn_hook = by_name",
            "",
        ]
    )


def _template(node: Node, hub: HubClient) -> dict[str, Any]:
    """Return the spec of a notebook's service, with a secret that stays when the notebook stops."""
    hub.add(_MODEL)
    hub.start(_MODEL)
    found = look.services(node, f"swarmhub.notebook={_MODEL}")
    spec: dict[str, Any] = found[0]["Spec"]
    container = look.notebook_container(node, _MODEL)
    for index, secret in enumerate(spec["TaskTemplate"]["ContainerSpec"].get("Secrets", [])):
        path = f"/run/secrets/{secret['File']['Name']}"
        content = node.docker("exec", "--user", "0", container, "cat", path)
        name = f"bench-{index}"
        secret["SecretID"] = node.docker("secret", "create", name, "-", input=content).strip()
        secret["SecretName"] = name
    hub.stop(_MODEL)
    return spec


def _images(node: Node, template: dict[str, Any]) -> dict[str, str]:
    images = {"singleuser": str(template["TaskTemplate"]["ContainerSpec"]["Image"])}
    for component in ("hub", "proxy"):
        told = json.loads(node.docker("service", "inspect", f"swarmhub_{component}"))
        images[component] = str(told[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])
    return images
