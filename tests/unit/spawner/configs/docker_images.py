"""A department on DockerSpawner: a choice of images, shared memory, memory by user."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821

STAFF = {"grace"}


def memory_of(spawner):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return more for staff."""
    return "16G" if spawner.user.name in STAFF else "4G"


c.JupyterHub.spawner_class = "docker"
c.DockerSpawner.allowed_images = {
    "Python": "quay.io/jupyter/scipy-notebook:latest",
    "R": "quay.io/jupyter/r-notebook:latest",
}
c.DockerSpawner.image = "quay.io/jupyter/scipy-notebook:latest"
c.DockerSpawner.pull_policy = "always"
c.DockerSpawner.network_name = "jupyterhub"
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
c.DockerSpawner.mem_limit = memory_of
c.DockerSpawner.cpu_limit = 2
c.DockerSpawner.escape = "legacy"
c.DockerSpawner.volumes = {
    "jupyter-{username}": {"bind": "/home/jovyan", "mode": "rw"},
    "/data/public": {"bind": "/data", "mode": "ro"},
}
c.DockerSpawner.mounts = [
    {"type": "tmpfs", "source": "", "target": "/scratch", "tmpfs_size": "1g"},
    {"Type": "volume", "Source": "shared-{raw_username}", "Target": "/mine", "ReadOnly": False},
]
c.DockerSpawner.extra_host_config = {"shm_size": "2g", "cap_drop": ["ALL"], "init": True}
c.DockerSpawner.extra_create_kwargs = {"user": "1000:100"}
c.DockerSpawner.environment = {"GRANT_SUDO": "no"}
