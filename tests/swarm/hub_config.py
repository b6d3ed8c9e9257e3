"""The hub's site file for the tests: what a user's name starts with says what happens to them."""

from typing import Any

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.Spawner.start_timeout = 120
c.Spawner.poll_interval = 5
c.JupyterHub.init_spawners_timeout = 1
c.Spawner.environment = {"DB_PASSWORD": "correct horse battery staple"}


# Options by the start of the name.
OPTIONS: dict[str, dict[str, Any]] = {
    "crash": {"cmd": ["sh", "-c", "echo the disk of dreams is full; exit 3"]},
    "noimage": {"image": "127.0.0.1:5000/swarmhub/nothing:here"},
    "private": {"image": "127.0.0.1:5443/private/lab:1"},
    "greedy": {"mem_guarantee": "2T"},
    "refused": {"volumes": {"swarmhub_state": "/steal"}},
    "nowhere": {"node_selector": {"planet": "mars"}},
    # It looks for the end of an endless line.
    "hungry": {"mem_limit": "64M", "cmd": ["sh", "-c", "tail /dev/zero"]},
    "slow": {"cmd": ["sh", "-c", "sleep 8; exec jupyterhub-singleuser"]},
    "float": {"volumes": {}},
    "gone": {"home_reclaim": "Delete"},
    "stock": {"image": "127.0.0.1:5000/test/stock:latest", "cmd": ["start-notebook.py"]},
    "plain": {
        "image": "127.0.0.1:5000/test/tiny:latest",
        "cmd": ["sh", "-c", "exec busybox httpd -f -p 8888"],
    },
}


def _by_name(spawner: Any) -> None:
    for start, options in OPTIONS.items():
        if spawner.user.name.startswith(start):
            for option, value in options.items():
                setattr(spawner, option, value)


c.Spawner.pre_spawn_hook = _by_name
