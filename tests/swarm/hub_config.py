"""The hub's site file for the tests: what a user's name starts with says what happens to them."""

from typing import Any

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.Spawner.start_timeout = 120
c.Spawner.poll_interval = 5
c.JupyterHub.init_spawners_timeout = 1


def _by_name(spawner: Any) -> None:
    name = spawner.user.name
    if name.startswith("crash"):
        spawner.cmd = ["sh", "-c", "echo the disk of dreams is full; exit 3"]
    elif name.startswith("noimage"):
        spawner.image = "127.0.0.1:5000/swarmhub/nothing:here"
    elif name.startswith("greedy"):
        spawner.mem_guarantee = "2T"
    elif name.startswith("refused"):
        spawner.volumes = {"swarmhub_state": "/steal"}
    elif name.startswith("gone"):
        spawner.home_reclaim = "Delete"


c.Spawner.pre_spawn_hook = _by_name
