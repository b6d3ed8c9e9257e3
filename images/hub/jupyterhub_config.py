"""The hub's configuration in the swarmhub stack.

What a site sets (``make up NAME=value``, docs/hub.md) becomes configuration in the package
swarmhub_hub; here is what the stack itself needs. A site's own files, in
/etc/swarmhub/jupyterhub_config.d or in an archive there, are loaded last, in order of name, and may
replace anything (``make up HUB_CONFIG=my_config.py``).
"""  # noqa: INP001

import gc
import os
import sys
from pathlib import Path

from aiohttp import ClientTimeout
from swarmhub_hub.configure import configure
from swarmhub_hub.logins import SECRETS
from swarmhub_hub.page import page
from swarmhub_hub.people import settle
from swarmhub_hub.reading import SettingError, mounted
from swarmhub_hub.sitefiles import join_network, keep, ours, refuse_prefix, site_files
from swarmhub_spawner import explain
from swarmhub_spawner.announcing import announce_configured
from swarmhub_spawner.configuration import check_config

SETTINGS = Path("/etc/swarmhub/settings.env")
SITE_FILES = Path("/etc/swarmhub/jupyterhub_config.d")


def secret(name: str) -> str:
    """Return the text of the Swarm secret that is mounted under this name."""
    return (SECRETS / name).read_text().strip()


c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.hub_ip = "0.0.0.0"  # noqa: S104
c.JupyterHub.hub_port = 8081
c.JupyterHub.hub_connect_ip = "hub"
c.JupyterHub.cookie_secret = bytes.fromhex(secret("swarmhub-cookie-secret"))

# The proxy is a service of its own and the notebooks are the operator's: both outlive the hub.
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://proxy:8001"
c.ConfigurableHTTPProxy.auth_token = secret("swarmhub-proxy-token")

# Docker's name server calls its answers good for ten minutes, also those about a task that has just
# been replaced, and JupyterHub 6 with aiodns believes it. Images of others have that, so notebooks
# reach the hub by an address that no restart changes: the proxy's port on the hub's node.
c.Spawner.hub_connect_url = os.environ.get("SWARMHUB_HUB_URL") or None

if os.environ.get("SWARMHUB_INTERNAL_SSL"):  # images/internal-ssl.yml
    load_subconfig("/opt/swarmhub/internal_ssl_config.py")  # type: ignore[name-defined]  # noqa: F821

# A task that is killed closes no connection and its address answers nothing, not even a refusal.
# So no connection and no address is kept, and a connection that does not come about is given up
# soon and tried anew at the address of the task's successor. Seconds.
c.JupyterHubHTTPClient.connector_options = {"force_close": True, "use_dns_cache": False}
c.JupyterHubHTTPClient.session_options = {"timeout": ClientTimeout(total=300, sock_connect=5)}

c.JupyterHub.spawner_class = "swarmhub"
# The image is that of SWARMHUB_IMAGE, unless a site's file names one under any spawner's name.
c.SwarmHubSpawner.network_name = os.environ["SWARMHUB_NETWORK"]
c.SwarmHubSpawner.state_url = os.environ["SWARMHUB_STATE_URL"]

# Who comes to a server that does not answer reads what has become of it.
c.JupyterHub.extra_handlers = explain.HANDLERS
c.JupyterHub.template_paths = [explain.PAGES]

c.JupyterHub.last_activity_interval = 60
# Elsewhere the hub ends itself after some failed spawns in a row, in the hope that a restart
# mends it. Here failures are the operator's or an image's: a restart would only log people out
# of a page that could have told them why.
c.Spawner.consecutive_failure_limit = 0

# Whoever knows the password that `make up` printed may log in, under any name: for trying out and
# for small groups who trust each other. SWARMHUB_AUTH chooses another way.
c.SharedPasswordAuthenticator.user_password = secret("swarmhub-user-password")
c.SharedPasswordAuthenticator.admin_password = secret("swarmhub-admin-password")

settings = mounted(SETTINGS, SECRETS)
try:
    certificates = str(c.JupyterHub.get("internal_certs_location", ""))
    c.merge(configure(settings, certificates))
except SettingError as refused:
    sys.exit(f"swarmhub: {refused}")

# What an administrator sees of all, and everybody of their own: /services/swarmhub/.
own_page = page(
    settings, certificates, os.environ["SWARMHUB_STATE_URL"], secret("swarmhub-cookie-secret")
)

# A restarted proxy has no routes: it calls the hub, with the secret that both know, to get them
# at once instead of at the next look (images/proxy/resync.js).
c.JupyterHub.services = [
    {"name": "proxy", "api_token": secret("swarmhub-proxy-token")},
    *own_page.JupyterHub.get("services", []),
    *c.JupyterHub.get("services", []),
]
c.JupyterHub.load_roles = [
    {"name": "proxy", "scopes": ["proxy"], "services": ["proxy"]},
    *own_page.JupyterHub.get("load_roles", []),
    *c.JupyterHub.get("load_roles", []),
]

needed = ours(c)
for site_file in site_files(SITE_FILES):
    load_subconfig(str(site_file))  # type: ignore[name-defined]  # noqa: F821
keep(c, needed)
join_network(c)
try:
    refuse_prefix(c)
except SettingError as refused:
    sys.exit(f"swarmhub: {refused}")
settle(c, settings)

# Last, when all is set: what the spawner cannot carry out ends the hub's start, and says why.
check_config(c)
announce_configured(c)

# What has been imported stays. Each full collection of garbage would go through all of it, and the
# hub answer nobody meanwhile: 0.15 s, in the midst of a class that arrives.
gc.freeze()
