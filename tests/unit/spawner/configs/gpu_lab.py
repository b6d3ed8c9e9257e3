"""A laboratory with GPUs: generic resources by group, mounts of an NFS server."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.spawner_class = "dockerspawner.SwarmSpawner"
c.SwarmSpawner.image = "registry.example.org/lab/pytorch:2.6"
c.SwarmSpawner.network_name = "lab"
c.SwarmSpawner.volume_driver = "local"
c.SwarmSpawner.volume_driver_options = {
    "type": "nfs",
    "o": "addr=nfs.example.org,rw",
    "device": ":/export/{username}",
}
c.SwarmSpawner.volumes = {"lab-{username}": "/home/jovyan"}
c.SwarmSpawner.extra_resources_spec = {"generic_resources": {"NVIDIA-GPU": 1}}
c.SwarmSpawner.extra_placement_spec = {
    "constraints": ["node.labels.gpu == true"],
    "platforms": [("x86_64", "linux")],
}
c.SwarmSpawner.extra_endpoint_spec = {"mode": "dnsrr"}
c.SwarmSpawner.extra_container_spec = {
    "cap_add": ["SYS_PTRACE"],
    "stop_grace_period": 30 * 10**9,
    "dns_config": {"Nameservers": ["10.0.0.53"]},
    "hosts": {"licence": "10.0.0.9"},
    "mounts": ["datasets:/datasets:ro"],
}
c.Spawner.group_overrides = {
    "big": {
        "groups": ["researchers"],
        "spawner_override": {
            "mem_limit": "64G",
            "extra_resources_spec": {"generic_resources": {"NVIDIA-GPU": 4}},
        },
    },
}
