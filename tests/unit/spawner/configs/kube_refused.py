"""What a hub in Kubernetes may have set that no Swarm can do."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.KubeSpawner.volumes = [
    {"name": "home", "persistentVolumeClaim": {"claimName": "claim-{username}"}},
]
c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
c.KubeSpawner.storage_capacity = "10Gi"
c.KubeSpawner.pvc_name_template = "claim-{username}"
c.KubeSpawner.tolerations = [{"key": "hub.jupyter.org/dedicated", "operator": "Exists"}]
c.KubeSpawner.lifecycle_hooks = {"postStart": {"exec": {"command": ["true"]}}}
c.KubeSpawner.modify_pod_hook = lambda spawner, pod: pod
c.KubeSpawner.privileged = True
c.KubeSpawner.storage_pvc_ensure = False
c.KubeSpawner.extra_containers = []
c.DockerSpawner.host_ip = "0.0.0.0"
c.DockerSpawner.remove = False
c.DockerSpawner.name_template = "lab-{userid}"
c.DockerSpawner.allowed_images = "jupyter/base"
c.DockerSpawner.tls_config = {"verify": True}
c.SwarmSpawner.extra_container_spec = {"env": {"A": "1"}}
c.SwarmSpawner.mem_limt = "1G"
