"""The configuration of a peer's hub, by what each of them documents for a Swarm."""  # noqa: INP001

import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821

NETWORK = os.environ["BENCH_NETWORK"]
HUB = os.environ["BENCH_HUB"]

c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_port = 8081
c.JupyterHub.hub_connect_ip = HUB
c.JupyterHub.cleanup_servers = False
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://{os.environ['BENCH_PROXY']}:8001"
c.ConfigurableHTTPProxy.auth_token = os.environ["BENCH_TOKEN"]
c.JupyterHub.services = [{"name": "bench", "api_token": os.environ["BENCH_TOKEN"]}]
c.JupyterHub.load_roles = [
    {
        "name": "bench",
        "services": ["bench"],
        "users": [os.environ["BENCH_USER"]],
        "scopes": ["admin:users", "admin:servers", "access:servers", "tokens", "proxy"],
    }
]
# Patience beyond what either of them has by itself, or they lose most of a class.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.Spawner.consecutive_failure_limit = 0

if os.environ["BENCH_PEER"] == "dockerspawner":
    c.JupyterHub.spawner_class = "dockerspawner.SwarmSpawner"
    c.SwarmSpawner.image = os.environ["BENCH_IMAGE"]
    c.SwarmSpawner.network_name = NETWORK
    c.SwarmSpawner.extra_endpoint_spec = {"mode": "dnsrr"}
    c.SwarmSpawner.name_template = "peer-{username}"
    c.SwarmSpawner.remove = True
    c.SwarmSpawner.cmd = ["jupyterhub-singleuser"]
else:
    c.JupyterHub.spawner_class = "jhub.SwarmSpawner"
    c.Spawner.ip = "0.0.0.0"  # where the server listens in its container
    c.Spawner.port = 8888
    c.SwarmSpawner.jupyterhub_service_name = HUB
    c.SwarmSpawner.networks = [NETWORK]
    c.SwarmSpawner.service_prefix = "peer"
    c.SwarmSpawner.images = [
        {
            "image": os.environ["BENCH_IMAGE"],
            "name": "notebook",
            "args": ["jupyterhub-singleuser"],
            "endpoint_spec": {"mode": "dnsrr"},
            "mounts": [],
        }
    ]
    c.SwarmSpawner.placement = {"constraints": []}
    c.SwarmSpawner.container_spec = {"env": {}}
