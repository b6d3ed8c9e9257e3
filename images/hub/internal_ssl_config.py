"""Part of the hub's configuration when hub, proxy and notebooks prove to each other who they are.

Loaded by jupyterhub_config.py, and by internal_ssl.py, which makes the authorities beforehand.
"""  # noqa: INP001

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.internal_ssl = True
c.JupyterHub.internal_certs_location = "/srv/swarmhub/hub/internal-ssl"
c.JupyterHub.trusted_alt_names = ["DNS:hub", "DNS:proxy"]
c.ConfigurableHTTPProxy.api_url = "https://proxy:8001"
# The proxy's public port, by which notebooks reach the hub otherwise, asks nobody who they are.
c.Spawner.hub_connect_url = None
