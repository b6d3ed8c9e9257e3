"""Homes of the real DockerSpawner and SwarmSpawner are taken over, with all that is in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.fixtures import overlay_network
from support.look import notebook_container
from support.node import Node
from support.oldspawner import OldSpawners
from support.operators import OperatorProcess
from support.waiting import wait_for
from swarmhub_crds.errors import HomeTaken
from swarmhub_crds.home import Home, HomePhase, HomeSpec
from swarmhub_crds.names import notebook_name
from swarmhub_crds.store import Store
from swarmhub_spawner.building.spec import Request, Wanted, build_spec
from swarmhub_spawner.building.templates import Naming, SlugScheme
from swarmhub_spawner.building.volumes import VolumeOptions

NETWORK = "migrated-notebooks"
HOME = "/home/jovyan/work"
NOTE = f"{HOME}/note"
TEMPLATE = "jupyterhub-user-{username}"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> OldSpawners:
    """Return the other spawners."""
    return OldSpawners(tmp_path_factory.mktemp("old") / "venv")


@pytest.fixture
def network(engine: Node) -> Iterator[str]:
    """Make a network, and remove it after whatever is still on it."""
    with overlay_network(engine, NETWORK) as made:
        yield made


class Site:
    """A store, and what an administrator and a hub do with it."""

    def __init__(self, engine: Node, image: str, folder: Path) -> None:
        self.engine = engine
        self.image = image
        self.folder = folder
        self.url = f"sqlite:///{folder}/state/state.db"
        (folder / "state").mkdir()
        Store.open(self.url).close()

    def migrate(self, *words: str) -> dict[str, Any]:
        """Run `swarmhub migrate` and return what it says as JSON."""
        command = ("migrate", *words, "-o", "json")
        ended = subprocess.run(
            [sys.executable, "-m", "swarmhub_operator.cli.main", *command],
            env={
                **os.environ,
                "SWARMHUB_STATE_URL": self.url,
                "DOCKER_HOST": self.engine.socket,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def item(self, volume: str, *words: str) -> dict[str, Any]:
        """Run it, and return what it says of a volume."""
        items = self.migrate(*words)["items"]
        found: list[dict[str, Any]] = [item for item in items if item["name"] == volume]
        assert len(found) == 1, items
        return found[0]

    def homes(self) -> dict[str, Home]:
        """Return the records."""
        with closing(Store.open(self.url)) as store:
            return {h.metadata.name: h for h in store.list_homes() if isinstance(h, Home)}

    def volume(self, name: str) -> Any:
        """Return all that the engine tells of a volume."""
        return json.loads(self.engine.docker("volume", "inspect", name))

    def start(self, user: str) -> None:
        """Write down what the spawner does."""
        wanted = self.wanted(user)
        with closing(Store.open(self.url)) as store:
            store.apply_notebook(wanted.spec, homes=wanted.homes, secrets=wanted.secrets)

    def wanted(self, user: str) -> Wanted:
        """Return what the spawner wants, with the option that keeps DockerSpawner's names."""
        return build_spec(
            Request(
                user=user,
                user_id=1,
                image=self.image,
                command=["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"],
                networks=[NETWORK],
                naming=Naming(scheme=SlugScheme.ESCAPE),
                volumes=VolumeOptions(volumes={TEMPLATE: HOME}),
            )
        )

    def read(self, user: str) -> str:
        """Return the note that a running notebook finds in its home."""
        container = notebook_container(self.engine, notebook_name(user))
        return self.engine.docker("exec", container, "cat", NOTE)

    def stop(self, user: str) -> None:
        """Stop a notebook, and wait until nothing of it is left."""
        with closing(Store.open(self.url)) as store:
            store.request_deletion(notebook_name(user))
        wait_for("it to end", lambda: not self._runs(user), timeout=40)

    def _runs(self, user: str) -> str:
        label = f"label=swarmhub.notebook={notebook_name(user)}"
        return self.engine.docker("ps", "--all", "--quiet", "--filter", label)


@pytest.fixture
def site(engine: Node, tiny: str, network: str, tmp_path: Path) -> Site:
    """Return a site whose store is new."""
    return Site(engine, tiny, tmp_path)


@pytest.fixture
def operator(site: Site) -> Iterator[OperatorProcess]:
    """Yield an operator that leads."""
    made = OperatorProcess(site.engine.socket, site.folder, "operator", NETWORK)
    made.wait_health("it to lead", lambda seen: seen["leading"])
    yield made
    made.kill()


def noted(engine: Node, container: str, text: str) -> None:
    """Wait until the old server has left its note."""
    command = ("exec", container, "sh", "-c", f"cat {NOTE} || true")
    wait_for("the note", lambda: engine.docker(*command).strip() == text)


def script(text: str) -> list[str]:
    """Return what an old server does: it leaves a note, and ends when it is told to."""
    return ["sh", "-c", f"echo {text} > {NOTE}; trap 'exit 0' TERM; sleep 600 & wait"]


def test_a_home_of_dockerspawner(site: Site, old: OldSpawners, operator: OperatorProcess) -> None:
    """Its user finds her files; nobody else gets the volume, and nothing of it is changed."""
    engine, user, volume = site.engine, "Ada.L", "jupyterhub-user--41da-2e-4c"
    options = {
        "image": site.image,
        "cmd": script("by-docker"),
        "volumes": {TEMPLATE: HOME},
        "pull_policy": "skip",
        "use_internal_ip": True,
    }
    kind, of = "DockerSpawner", ("--from", "dockerspawner")
    state = old.start(engine, kind, user, options)
    try:
        noted(engine, state["object_id"], "by-docker")
        used = site.item(volume, *of, "--yes")
        assert (used["step"], used["usedBy"]) == ("Leave", ["container jupyter--41da-2e-4c"])
        assert site.homes() == {}
        old.stop(engine, kind, user, options, state)

        before = site.volume(volume)
        dry = site.item(volume, *of)
        assert (dry["step"], dry["user"]) == ("Adopt", user)
        assert site.homes() == {}
        assert site.item(volume, *of, "--yes")["step"] == "Adopt"
        home = site.homes()[volume]
        assert (home.spec.user, home.status.phase) == (user, HomePhase.BOUND)
        assert home.status.adopted
        assert site.item(volume, *of, "--yes")["step"] == "Adopted"
        assert site.homes() == {volume: home}
        assert site.volume(volume) == before

        wanted, other = site.wanted(user), HomeSpec(user="bob")
        assert wanted.homes.keys() == {volume}
        bobs = wanted.spec.model_copy(update={"user": "bob"})
        with closing(Store.open(site.url)) as store, pytest.raises(HomeTaken):
            store.apply_notebook(bobs, homes={volume: other})
        site.start(user)
        assert site.read(user) == "by-docker\n"
        assert site.volume(volume) == before
        assert site.homes()[volume].metadata.uid == home.metadata.uid
        site.stop(user)
    finally:
        operator.kill()
        engine.docker("rm", "--force", state["object_id"])
    engine.docker("volume", "rm", volume)


def test_a_home_and_a_service_of_swarmspawner(
    site: Site, old: OldSpawners, operator: OperatorProcess
) -> None:
    """The service goes only when that is asked for; the next start takes its name and its home."""
    engine, user, volume = site.engine, "cleo", "jupyterhub-user-cleo"
    options = {
        "image": site.image,
        "cmd": script("by-swarm"),
        "network_name": NETWORK,
        "use_internal_ip": True,
        # Its own `volumes` become binds, which must be paths: named ones are given like this.
        "extra_container_spec": {"mounts": [f"{volume}:{HOME}:rw"]},
    }
    of = ("--from", "swarmspawner")
    state = old.start(engine, "SwarmSpawner", user, options)
    service = ("service", "ls", "--quiet", "--filter", f"id={state['object_id']}")
    label = f"label=com.docker.swarm.service.id={state['object_id']}"
    container = wait_for("it to run", lambda: engine.docker("ps", "--quiet", "--filter", label))
    noted(engine, container.strip(), "by-swarm")
    before = site.volume(volume)

    used = site.item(volume, *of, "--yes")
    assert (used["step"], used["usedBy"]) == ("Leave", ["service jupyter-cleo"])
    dry = site.migrate(*of, "--stop-services")
    assert [one["name"] for one in dry["removed"]] == ["jupyter-cleo"]
    assert engine.docker(*service)
    assert site.homes() == {}
    done = site.item(volume, *of, "--stop-services", "--yes")
    assert (done["step"], done["user"]) == ("Adopt", user)
    assert not engine.docker(*service)
    assert not engine.docker("ps", "--quiet", "--filter", label)
    assert site.homes()[volume].spec.user == user
    assert site.volume(volume) == before

    site.start(user)
    assert site.read(user) == "by-swarm\n"
    assert site.volume(volume) == before
    site.stop(user)
    operator.kill()
    engine.docker("volume", "rm", volume)
