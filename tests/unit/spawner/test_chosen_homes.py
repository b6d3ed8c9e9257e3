"""Which home is at a path: the one of before, unless something chose another for this start."""

from __future__ import annotations

from typing import Any

from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Store
from swarmhub_spawner.spawner import SwarmHubSpawner
from traitlets.config import Config
from unit.spawner.conftest import MakeSpawner
from unit.spawner.fakes import FakeOperator

PATH = "/home/jovyan/work"


def _hub(template: str) -> Config:
    """Return the configuration of a hub whose profiles differ in the home."""
    config = Config()
    config.SwarmHubSpawner.update({"image": "ok", "network_name": "nb"})
    config.SwarmHubSpawner.volumes = {template: PATH}
    override = {"volumes": {template: None, "gpu-{username}": PATH}}
    config.SwarmHubSpawner.profile_list = [
        {"display_name": "Usual"},
        {"display_name": "GPU", "spawner_override": override},
    ]
    return config


async def _homes(spawner: SwarmHubSpawner, store: Store, **options: Any) -> list[str]:
    """Start and stop a server; return what it mounted."""
    spawner.user_options = options
    await spawner.start()
    record = store.get_notebook(spawner.record_name)
    await spawner.stop()
    assert isinstance(record, Notebook)
    return [mount.volume for mount in record.spec.mounts]


async def test_a_profile_chooses_the_home(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Each finds its own again, whichever was started last, and though the templates changed."""
    state: dict[str, Any] = {}
    for template, chosen, home in (
        ("home-{username}", "usual", "home-ada"),
        ("home-{username}", "gpu", "gpu-ada"),
        ("home-{username}", "usual", "home-ada"),
        ("jupyter-{username}", "gpu", "gpu-ada"),
        ("jupyter-{username}", "usual", "home-ada"),
    ):
        spawner = make_spawner(config=_hub(template))
        spawner.load_state(state)
        assert await _homes(spawner, store, profile=chosen) == [home]
        state = spawner.get_state()


async def test_a_hook_chooses_the_home(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """What it sets at one start is not what the next one mounts."""
    config = _hub("home-{username}")
    del config.SwarmHubSpawner["profile_list"]
    spawner = make_spawner(config=config)
    assert await _homes(spawner, store) == ["home-ada"]
    spawner.volumes = {"scratch-{username}": PATH}  # as `pre_spawn_hook` may
    assert await _homes(spawner, store) == ["scratch-ada"]


async def test_the_usual_home_gives_way(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """To what is mounted at its path by another option, or by an override."""
    mounts = [{"source": "mine-{username}", "target": f"{PATH}/"}]
    assert await _homes(make_spawner(mounts=mounts), store) == ["mine-ada"]
    spec = {"mounts": [{"source": "spec-{username}", "target": PATH, "type": "volume"}]}
    assert await _homes(make_spawner(extra_container_spec=spec), store) == ["spec-ada"]
    override = {"spawner_override": {"volumes": {"own-{username}": PATH}}}
    profiles = [{"display_name": "Own", **override}]
    assert await _homes(make_spawner(profile_list=profiles), store) == ["own-ada"]
    elsewhere = [{"source": "more-{username}", "target": "/more"}]
    found = await _homes(make_spawner(mounts=elsewhere), store)
    assert found == ["jupyterhub-user-ada", "more-ada"]
