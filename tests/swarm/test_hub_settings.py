"""The hub as a site sets it up: TLS and its renewal, a login elsewhere, culling, refusals."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import look
from support.authority import Authority, write
from support.chromium import chromium
from support.cluster import Cluster
from support.fixtures import OUTPUT
from support.hub import HubUser, new_browser
from support.page import see_start_and_stop
from support.provider import Provider
from support.stack import HubStack
from support.waiting import wait_for

REDIRECT_PORT = 8088
# `openssl passwd -6 "correct horse"`
CORRECT_HORSE = (
    "$6$swarmhub$ziyOyuE4Veq1ZoHpSbdUiVo/uGyfDiM9vrdHWDAnfj5z4wgi"
    "EQU3kieC3Qp9RsQqp84z1foCOox4RQ1VK23uQ0"
)
OF_ANOTHER_HUB = """
c.DockerSpawner.image = "lab:1"
c.JupyterHub.services = [{"name": "metrics", "api_token": "m" * 32}]
"""
LOADED = """
import gc, json
from swarmhub_spawner.spawner import SwarmHubSpawner
from traitlets.config.loader import PyFileConfigLoader
config = PyFileConfigLoader("/etc/swarmhub/jupyterhub_config.py").load_config()
names = [service["name"] for service in config.JupyterHub.services]
image, kept = SwarmHubSpawner(config=config).image, gc.get_freeze_count()
print(json.dumps({"image": image, "services": names, "kept": kept}))
"""


@pytest.fixture(scope="module", autouse=True)
def _as_before(hub_stack: HubStack) -> Iterator[None]:
    """Take all settings back at the end, as the other tests' stack has none, and their file."""
    yield
    earlier = str(Path(__file__).with_name("hub_config.py"))
    done = hub_stack.up(HUB_SETTINGS="default", HUB_CONFIG=earlier)
    assert done.returncode == 0, done.stdout
    assert "JupyterHub is at http://" in done.stdout


def _up(stack: HubStack, **settings: str) -> str:
    done = stack.up(**settings)
    assert done.returncode == 0, done.stdout
    return done.stdout


def _presented(address: str, trusted: ssl.SSLContext) -> int:
    """Return the number of the certificate that a new connection is shown."""
    with (
        socket.create_connection((address, 8000), 10) as line,
        trusted.wrap_socket(line, server_hostname=address) as secured,
    ):
        shown = secured.getpeercert()
    assert shown is not None
    return int(str(shown["serialNumber"]), 16)


def test_tls_and_a_renewed_certificate(hub_stack: HubStack, tmp_path: Path) -> None:
    """People log in by TLS and use the page; a renewal shows on new connections alone."""
    address, authority = str(hub_stack.engine.address), Authority()
    trusted = authority.context()
    first, second = authority.issue(address), authority.issue(address)
    files = write(first, tmp_path)
    said = _up(hub_stack, **files, SWARMHUB_REDIRECT_PORT=str(REDIRECT_PORT))
    url = f"https://{address}:8000"
    assert f"JupyterHub is at {url}" in said
    assert "the certificate is good until" in said
    assert _presented(address, trusted) == first.serial
    plain = httpx.get(f"http://{address}:{REDIRECT_PORT}/hub/login", timeout=10)
    assert plain.headers["location"] == f"{url}/hub/login"

    user = HubUser.login(url, "tess", hub_stack.user_password, trusted)
    user.start()
    proxy = look.stack_container(hub_stack.engine, "proxy")
    with user.kernel() as kernel:
        assert kernel.run("x = 41").strip() == ""
        write(second, tmp_path)
        _up(hub_stack)  # the paths are remembered
        wait_for(
            "the new certificate", lambda: _presented(address, trusted) == second.serial, timeout=20
        )
        assert kernel.run("print(x + 1)").strip() == "42"
    assert look.stack_container(hub_stack.engine, "proxy") == proxy
    user.stop()
    watched = HubUser.login(url, "page-tls", hub_stack.user_password, trusted)
    with chromium(any_certificate=True) as browser:
        picture = OUTPUT / "page-tls.png"
        see_start_and_stop(browser, url, hub_stack.admin_password, watched, picture)
    _no_secret_shows(hub_stack, second.key.splitlines()[1])


def _no_secret_shows(stack: HubStack, secret: str) -> None:
    services = stack.engine.docker("service", "ls", "--quiet").split()
    configs = stack.engine.docker("config", "ls", "--quiet").split()
    shown = stack.engine.docker("service", "inspect", *services)
    shown += stack.engine.docker("config", "inspect", "--pretty", *configs)
    assert secret not in shown


def test_login_elsewhere_and_culling(hub_stack: HubStack, cluster: Cluster, tmp_path: Path) -> None:
    """A provider says who comes; only a group is let in; whoever leaves a server alone loses it."""
    with Provider(str(cluster.network.gateway)) as provider:
        secret = tmp_path / "client-secret"
        secret.write_text(provider.client[1] + "\n")
        settings = tmp_path / "swarmhub.env"
        settings.write_text(
            f"""# a site's settings
SWARMHUB_AUTH=oauth
SWARMHUB_OAUTH_CLIENT_ID={provider.client[0]}
SWARMHUB_OAUTH_CLIENT_SECRET_FILE={secret}
SWARMHUB_OAUTH_AUTHORIZE_URL={provider.url}/authorize
SWARMHUB_OAUTH_TOKEN_URL={provider.url}/token
SWARMHUB_OAUTH_USERDATA_URL={provider.url}/userdata
SWARMHUB_OAUTH_GROUPS_CLAIM=groups
SWARMHUB_ALLOWED_GROUPS=staff
SWARMHUB_ADMIN_GROUPS=chiefs
SWARMHUB_CULL_TIMEOUT=12
SWARMHUB_CULL_EVERY=3
"""
        )
        said = _up(hub_stack, HUB_SETTINGS=str(settings))
        assert "SWARMHUB_CULL_TIMEOUT=12 is short" in said
        _no_secret_shows(hub_stack, provider.client[1])

        provider.user = {"preferred_username": "nobody-here", "groups": ["guests"]}
        with new_browser(hub_stack.url) as stranger:
            refused = stranger.get("/hub/oauth_login", params={"next": "/hub/home"})
        assert refused.status_code == httpx.codes.FORBIDDEN

        provider.user = {"preferred_username": "uma", "groups": ["staff", "chiefs"]}
        browser = new_browser(hub_stack.url)
        landed = browser.get("/hub/oauth_login", params={"next": "/hub/home"})
        assert landed.url.path == "/hub/home", landed.text
        user = HubUser(hub_stack.url, browser)
        assert user.name == "uma"
        assert user.user_model("uma")["admin"]
        user.start()
        wait_for("the culler", lambda: user.server_model() is None, timeout=60, pause=1)
        wait_for(
            "its service to go",
            lambda: not look.services(hub_stack.engine, "swarmhub.notebook=uma"),
        )
        user.close()


def test_users_from_a_file_and_a_folder_of_configuration(
    hub_stack: HubStack, tmp_path: Path
) -> None:
    """PAM lets in by the right password alone; the last file of a folder has the last word."""
    listed = tmp_path / "users"
    listed.write_text(f"vera:{CORRECT_HORSE}\n")
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "00-of-another-hub.py").write_text(OF_ANOTHER_HUB)
    for name in ("20-second", "10-first"):
        line = f"c.JupyterHub.template_vars = {{'announcement': 'of {name}'}}\n"
        (folder / f"{name}.py").write_text(line)
    given = {"SWARMHUB_AUTH": "pam", "SWARMHUB_PAM_USERS_FILE": str(listed)}
    _up(hub_stack, HUB_SETTINGS="default", HUB_CONFIG=str(folder), **given)
    hub = look.stack_container(hub_stack.engine, "hub")
    known = json.loads(hub_stack.engine.docker("exec", hub, "python3", "-c", LOADED))
    assert known.pop("kept") > 50_000  # objects that no collection of garbage goes through
    assert known == {
        "image": "lab:1",
        "services": ["proxy", "swarmhub-page", "swarmhub", "metrics"],
    }
    user = HubUser.login(hub_stack.url, "vera", "correct horse")
    assert "of 20-second" in user.page("/hub/home")
    user.close()
    with pytest.raises(PermissionError):
        HubUser.login(hub_stack.url, "vera", "wrong horse")
    with pytest.raises(PermissionError):
        HubUser.login(hub_stack.url, "walt", "correct horse")


def test_what_will_not_do_is_said_before_anything_happens(
    hub_stack: HubStack, tmp_path: Path
) -> None:
    """One sentence that names the variable, and the hub that runs goes on as it is."""
    before = look.stack_container(hub_stack.engine, "hub")
    (tmp_path / "old.py").write_text("import os\n\nc.JupyterHub.hub_ip = os.environ['HUB_IP']\n")
    (tmp_path / "gpu.py").write_text("c.DockerSpawner.extra_host_config = {'runtime': 'nvidia'}\n")
    for given, sentence in (
        ({"HUB_CONFIG": str(tmp_path / "old.py")}, "fails in line 3: KeyError: 'HUB_IP'"),
        ({"HUB_CONFIG": str(tmp_path / "gpu.py")}, "the hub would not start with these options"),
        ({"SWARMHUB_AUTH": "kerberos"}, "SWARMHUB_AUTH=kerberos is not known: choose among"),
        ({"SWARMHUB_CUL_TIMEOUT": "60"}, "is SWARMHUB_CULL_TIMEOUT meant?"),
    ):
        done = hub_stack.up(**given)
        assert done.returncode == 1
        sentences = [line for line in done.stdout.splitlines() if line.startswith("swarmhub: ")]
        assert len(sentences) == 1
        assert sentence in sentences[0]
    assert look.stack_container(hub_stack.engine, "hub") == before
