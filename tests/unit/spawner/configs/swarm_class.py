"""A class on SwarmSpawner, as its examples have it."""

import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.spawner_class = "dockerspawner.SwarmSpawner"
c.JupyterHub.hub_ip = "0.0.0.0"

network_name = os.environ.get("DOCKER_NETWORK_NAME", "jupyterhub_net")
c.SwarmSpawner.network_name = network_name
c.SwarmSpawner.extra_host_config = {"network_mode": network_name}
c.SwarmSpawner.image = "quay.io/jupyter/scipy-notebook:2026-01-05"
c.SwarmSpawner.remove = True
c.SwarmSpawner.debug = True
c.SwarmSpawner.notebook_dir = "/home/jovyan/work"
c.SwarmSpawner.prefix = "class"
c.SwarmSpawner.name_template = "{prefix}-{username}"
c.SwarmSpawner.slug_scheme = "escape"
c.SwarmSpawner.volumes = {"jupyterhub-user-{username}": "/home/jovyan/work"}
c.SwarmSpawner.read_only_volumes = {"/srv/nfs/material": "/home/jovyan/material"}
c.SwarmSpawner.extra_placement_spec = {"constraints": ["node.role == worker"]}
c.SwarmSpawner.extra_resources_spec = {
    "cpu_limit": int(1.5 * 1e9),
    "mem_limit": int(512 * 1e6),
    "mem_reservation": int(256 * 1e6),
}
c.SwarmSpawner.extra_container_spec = {"env": {"COURSE": "ml-1"}, "hostname": "{username}"}
c.SwarmSpawner.extra_task_spec = {"restart_policy": {"Condition": "none"}}
c.Spawner.http_timeout = 120
