"""The page among what a hub serves: on unless a site wants none, whatever its own files replace."""

from __future__ import annotations

import pytest
from jupyterhub.app import JupyterHub
from swarmhub_hub.configure import configure
from swarmhub_hub.page import page
from swarmhub_hub.reading import SettingError
from swarmhub_hub.sitefiles import keep, ours
from swarmhub_spawner.page.service import ACCESS, CERTIFICATES, TOKEN, roles, services
from traitlets.config import Config
from unit.hub.site import settings

STATE = "sqlite:////srv/swarmhub/state/state.db"


def test_it_is_on() -> None:
    """A process, and the place where the proxy finds it; one token from restart to restart."""
    config = page(settings(), "", STATE, "secret")
    process, place = config.JupyterHub.services
    assert process["environment"]["SWARMHUB_STATE_URL"] == STATE
    assert process["environment"][TOKEN] == place["api_token"]
    assert "url" not in process, "the hub would end itself if that did not answer"
    assert place["url"] == "http://hub:8082"
    assert config == page(settings(), "", STATE, "secret")
    assert place["api_token"] not in (
        page(settings(), "", STATE, "other").JupyterHub.services[1]["api_token"],
        services(STATE)[1]["api_token"],
    )
    assert JupyterHub(config=config).load_roles == roles()


def test_it_speaks_tls_with_internal_ssl() -> None:
    """With the hub's own certificate, which the proxy believes."""
    process, place = page(settings(), "/srv/internal-ssl", STATE, "secret").JupyterHub.services
    assert place["url"] == process["environment"]["SWARMHUB_PAGE_URL"] == "https://hub:8082"
    assert process["environment"][CERTIFICATES] == "/srv/internal-ssl"


def test_it_is_off() -> None:
    """By a setting."""
    assert page(settings({"PAGE": "false"}), "", STATE, "s") == Config()
    with pytest.raises(SettingError, match="SWARMHUB_PAGE=perhaps is neither true nor false"):
        configure(settings({"PAGE": "perhaps"}))


def test_a_sites_own_lists_leave_it() -> None:
    """Services go beside it; a role of its own for users does not shut them out."""
    config = page(settings(), "", STATE, "secret")
    needed = ours(config)
    sharing = {"name": "user", "scopes": ["self", "shares!user"]}
    config.JupyterHub.services = [{"name": "metrics"}]
    config.JupyterHub.load_roles = [sharing, {"name": "x"}]
    keep(config, needed)
    assert [s["name"] for s in config.JupyterHub.services] == [
        "swarmhub-page", "swarmhub", "metrics",
    ]  # fmt: skip
    assert config.JupyterHub.load_roles == [
        {"name": "user", "scopes": ["self", "shares!user", ACCESS]},
        {"name": "x"},
    ]
    assert sharing["scopes"] == ["self", "shares!user"], "what the file has said is left alone"
