"""A real JupyterHub in a process of its own, with a proxy that only writes its routes down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.ports import free_port

TOKEN = "a-token-of-the-test-service"
PASSWORD = "the-password-of-all"

_CONFIG = """
import json, pathlib
from jupyterhub.proxy import Proxy

ROUTES = pathlib.Path({folder!r}) / "routes.json"
LOG = pathlib.Path({folder!r}) / "routes.log"

class FileProxy(Proxy):
    def _read(self):
        return json.loads(ROUTES.read_text()) if ROUTES.exists() else {{}}

    def _note(self, routes, *what):
        ROUTES.write_text(json.dumps(routes))
        with LOG.open("a") as log:
            print(*what, file=log)

    async def add_route(self, routespec, target, data):
        route = {{"routespec": routespec, "target": target, "data": data}}
        self._note(self._read() | {{routespec: route}}, "add", routespec)

    async def delete_route(self, routespec):
        routes = self._read()
        routes.pop(routespec, None)
        self._note(routes, "delete", routespec)

    async def get_all_routes(self):
        return self._read()

def image_from_user(spawner):
    spawner.image = spawner.user.name.split("-")[0]

c.JupyterHub.proxy_class = FileProxy
c.Proxy.should_start = False
c.JupyterHub.bind_url = "http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.allow_named_servers = True
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allow_all = True
c.JupyterHub.services = [{{"name": "tester", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{
    "name": "tester",
    "scopes": ["admin:users", "admin:servers", "read:hub", "delete:users", "delete:servers"],
    "services": ["tester"],
}}]
c.JupyterHub.spawner_class = "swarmhub"
c.SwarmHubSpawner.state_url = {state_url!r}
c.SwarmHubSpawner.network_name = "nb"
c.SwarmHubSpawner.poll_interval = 1
c.Spawner.pre_spawn_hook = image_from_user
c.Spawner.http_timeout = 10

from swarmhub_spawner import explain

c.JupyterHub.extra_handlers = explain.HANDLERS
c.JupyterHub.template_paths = [explain.PAGES]
"""


class HubProcess:
    """JupyterHub as an administrator would run it; can be killed and started again."""

    def __init__(self, folder: Path, state_url: str, more: str = "") -> None:
        self.folder = folder
        port, hub_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{hub_port}"
        self._config = folder / "jupyterhub_config.py"
        self._config.write_text(
            _CONFIG.format(
                folder=str(folder),
                port=port,
                hub_port=hub_port,
                password=PASSWORD,
                token=TOKEN,
                state_url=state_url,
            )
            + more
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.api = httpx.Client(
            base_url=f"{self.url}/hub/api",
            headers={"Authorization": f"token {TOKEN}"},
            timeout=60,
        )

    def configure(self, more: str) -> None:
        """Set something else from the next start on."""
        with self._config.open("a") as config:
            config.write(f"\n{more}\n")

    def start(self) -> None:
        """Start the hub and wait until it answers."""
        with (self.folder / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(self._config)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, f"the hub did not answer in 60 s: {self.log()}"
            time.sleep(0.1)

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """End the hub."""
        if self._process is not None:
            self._process.send_signal(sig)
            self._process.wait(60)
            self._process = None

    def exit_code(self, seconds: float) -> int:
        """Return what a hub that ends by itself ends with."""
        assert self._process is not None
        return self._process.wait(seconds)

    def log(self) -> str:
        """Return all that the hub has written."""
        return (self.folder / "hub.log").read_text()

    def route_log(self) -> list[str]:
        """Return each change of a route, as "add /user/ada/"."""
        path = self.folder / "routes.log"
        return path.read_text().splitlines() if path.exists() else []

    def routes(self) -> set[str]:
        """Return where the proxy has routes."""
        return set(json.loads((self.folder / "routes.json").read_text()))

    def server(self, user: str, name: str = "") -> dict[str, Any] | None:
        """Return the hub's model of a server; None: it has none."""
        answer = self.api.get(f"/users/{user}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        model: dict[str, Any] | None = answer.raise_for_status().json()["servers"].get(name)
        return model

    def spawn(self, user: str, name: str = "") -> httpx.Response:
        """Ask for a server; makes the user first."""
        self.api.post(f"/users/{user}")
        return self.api.post(f"/users/{user}/{'servers/' + name if name else 'server'}")

    def begin_spawn(self, user: str) -> None:
        """Ask for a server that takes its time, and do not wait for it."""
        self.api.post(f"/users/{user}")
        with pytest.raises(httpx.ReadTimeout):
            self.api.post(f"/users/{user}/server", timeout=1.0)

    def progress(self, user: str) -> Iterator[dict[str, Any]]:
        """Give the events of the progress page."""
        with self.api.stream("GET", f"/users/{user}/server/progress") as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    @contextmanager
    def browser(self, user: str) -> Iterator[httpx.Client]:
        """Give a client that is logged in as `user`."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=60) as client:
            client.get("/hub/login")
            form = {
                "username": user,
                "password": PASSWORD,
                "_xsrf": client.cookies.get("_xsrf", path="/hub/") or "",
            }
            # Where the login leads is a route that only a real proxy would serve.
            answer = client.post(
                "/hub/login?next=/hub/home", data=form, headers={"Sec-Fetch-Mode": "navigate"}
            )
            assert answer.status_code == httpx.codes.OK, answer.text
            yield client

    def _answers(self) -> bool:
        try:
            return self.api.get("/").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def running_hub(folder: Path, state_url: str, more: str = "") -> Iterator[HubProcess]:
    """Give a hub that runs; it is ended afterwards, whatever happens."""
    hub = HubProcess(folder, state_url, more)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
        hub.api.close()
