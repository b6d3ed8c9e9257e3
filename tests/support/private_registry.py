"""A registry that asks for a login, as all nodes of the product's Swarm know it: 127.0.0.1:5443.

It runs on the manager, from the stack's own image; workers relay their port to it.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.node import Node
from support.shell import CommandError
from support.stack import HubStack
from support.waiting import wait_for

ADDRESS = "127.0.0.1:5443"
IMAGE = f"{ADDRESS}/private/lab:1"
PASSWORD = "swordfish-of-the-registry"
_USER = "ada"
_HASHED = "$2b$05$Zcr65wyKU3io.PlQLn/QCuw3owUYLAQPF/GrMyV4NSPlvB/hRnqCG"  # bcrypt, of PASSWORD
_NAME = "private-registry"
_RELAY_NAME = "private-relay"
_OWN = "127.0.0.1:5000/swarmhub"
_SERVE = (
    f"echo '{_USER}:{_HASHED}' >/tmp/htpasswd; "
    "exec $(command -v registry || command -v docker-registry) serve /etc/swarmhub/registry.yml"
)
_SETTINGS = {
    "REGISTRY_HTTP_ADDR": "0.0.0.0:5443",
    "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/tmp/registry",
    "REGISTRY_AUTH": "htpasswd",
    "REGISTRY_AUTH_HTPASSWD_REALM": "the private one",
    "REGISTRY_AUTH_HTPASSWD_PATH": "/tmp/htpasswd",
}
_RELAY = """
import asyncio, sys
async def copy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    there, back = await asyncio.open_connection(sys.argv[1], 5443)
    await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", 5443) as server:
        await server.serve_forever()
asyncio.run(main())
"""


@dataclass(frozen=True)
class PrivateRegistry:
    """A running one.

    Attributes:
        manager: on which it runs.
        logins: a file with its login, as `docker login` writes it.
    """

    manager: Node
    logins: Path

    def relay_on(self, worker: Node) -> None:
        """Have a worker reach it under its name."""
        argv = ("python3", "-c", _RELAY, str(self.manager.address))
        image = f"{_OWN}/operator:latest"
        given = ("--detach", "--name", _RELAY_NAME, "--network", "host")
        worker.docker("run", *given, image, *argv, timeout=180)

    def close(self) -> None:
        """Be no more; what nodes have pulled they keep."""
        self.manager.docker("rm", "--force", _NAME)


@contextmanager
def private_registry(stack: HubStack, folder: Path) -> Iterator[PrivateRegistry]:
    """Run it with IMAGE in it, which is as the product's own and of which no node has anything.

    Raises:
        CommandError: an engine or the registry refused something.
    """
    manager, cli = stack.engine, folder / "cli"
    env = [part for key, value in _SETTINGS.items() for part in ("--env", f"{key}={value}")]
    given = ("--detach", "--name", _NAME, "--network", "host", *env, "--entrypoint", "sh")
    manager.docker("run", *given, f"{_OWN}/registry:latest", "-c", _SERVE)
    login = ("--config", str(cli), "login", "--username", _USER, "--password-stdin", ADDRESS)
    try:
        wait_for("the private registry", lambda: _does(manager, *login, given=PASSWORD), timeout=60)
        _push(manager, cli)
        logins = folder / "logins.json"
        shutil.copyfile(cli / "config.json", logins)
        assert json.loads(logins.read_text())["auths"]
        yield PrivateRegistry(manager, logins)
    finally:
        manager.docker("rm", "--force", _NAME)


def _push(manager: Node, cli: Path) -> None:
    """Push the product's notebook image under another name, with a layer of its own."""
    made = manager.docker("create", f"{_OWN}/singleuser:latest", "true").strip()
    manager.docker("commit", "--change", "LABEL private=yes", made, IMAGE, timeout=120)
    manager.docker("rm", made)
    manager.docker("--config", str(cli), "push", "--quiet", IMAGE, timeout=300)
    manager.docker("rmi", IMAGE)


def _does(manager: Node, *command: str, given: str) -> bool:
    try:
        manager.docker(*command, input=given)
    except CommandError:
        return False
    return True


def has(node: Node, repository: str = IMAGE.rpartition(":")[0]) -> bool:
    """Tell whether a node has an image of a repository."""
    return bool(node.docker("images", "--quiet", repository).strip())


def forget(node: Node, repository: str = IMAGE.rpartition(":")[0]) -> None:
    """Remove what a node has of a repository, of an earlier run of the tests, too."""
    listing = ("images", "--quiet", "--no-trunc", repository)
    found = set(node.docker(*listing).split())
    if found:
        node.docker("rmi", "--force", *sorted(found))


def drop_relay(node: Node) -> None:
    """End a worker's relay, if there is one."""
    node.docker("rm", "--force", _RELAY_NAME)
