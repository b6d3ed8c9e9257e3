"""Profiles, groups and hooks in a real JupyterHub: on its pages and over its HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Notebook, NotebookSpec
from swarmhub_crds.store import Store
from unit.spawner.fakes import FakeNotebooks, FakeOperator
from unit.spawner.hubprocess import HubProcess, running_hub

CONFIG = """
from swarmhub_spawner.configuration import check_config

c.Spawner.pre_spawn_hook = lambda spawner: spawner.environment.update(HOOK="1")
c.Spawner.auth_state_hook = lambda spawner, state: spawner.environment.update(AUTH="1")
c.Spawner.progress_ready_hook = lambda spawner, event: {**event, "message": "At last."}
c.Spawner.post_stop_hook = lambda spawner: (pathlib.Path.cwd() / "stopped").touch()
c.JupyterHub.load_groups = {"gpu": {"users": ["ada"]}, "all": {"users": ["ada"]}}
c.Spawner.group_overrides = {
    "gpu": {"groups": ["gpu"], "spawner_override": {"environment": {"GROUP": "gpu"}}}
}
c.KubeSpawner.image = "ok"
c.KubeSpawner.profile_list = [
    {"display_name": "Small"},
    {
        "display_name": "Large",
        "kubespawner_override": {"mem_limit": "8G"},
        "profile_options": {
            "tool": {
                "choices": {"a": {}, "b": {"kubespawner_override": {"environment": {"T": "b"}}}},
                "unlisted_choice": {
                    "enabled": True,
                    "validation_regex": "[a-z]+",
                    "kubespawner_override": {"environment": {"T": "{value}"}},
                },
            }
        },
    },
]
check_config(c)
"""


@pytest.fixture(scope="module")
def profile_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give the store of this module's hub, to look into."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'state.db'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def profile_hub(
    tmp_path_factory: pytest.TempPathFactory, profile_store: Store, notebooks: FakeNotebooks
) -> Iterator[HubProcess]:
    """Give a running hub with profiles."""
    operator = FakeOperator(profile_store.url, notebooks.url)
    try:
        with running_hub(tmp_path_factory.mktemp("hub"), profile_store.url, CONFIG) as running:
            yield running
    finally:
        operator.close()


def spec_of(store: Store, name: str) -> NotebookSpec:
    """Return the spec of a record that must be there."""
    record = store.get_notebook(name)
    assert isinstance(record, Notebook)
    return record.spec


def test_a_user_chooses_on_the_form(profile_hub: HubProcess, profile_store: Store) -> None:
    """The form is on the page, what is sent is applied, and is chosen the next time."""
    with profile_hub.browser("bob") as browser:
        page = browser.get("/hub/spawn/bob")
        assert page.status_code == 200
        assert 'id="profile-item-large"' in page.text
        xsrf = browser.cookies.get("_xsrf", path="/hub/") or ""
        form = {
            "_xsrf": xsrf,
            "profile": "large",
            "profile-option-large--tool": "unlisted-choice",
            "profile-option-large--tool--unlisted-choice": "9",
        }
        headers = {"Sec-Fetch-Mode": "navigate"}
        wrong = browser.post("/hub/spawn/bob?next=/hub/home", data=form, headers=headers)
        assert wrong.status_code == 400
        assert "cannot be chosen for" in wrong.text
        assert 'id="profile-item-large"' in wrong.text, "the form is there to be corrected"
        form["profile-option-large--tool--unlisted-choice"] = "vim"
        browser.post("/hub/spawn/bob?next=/hub/home", data=form, headers=headers)
        spec = spec_of(profile_store, "bob")
        assert spec.environment["T"] == "vim"
        assert spec.resources.mem_limit == 8 * 2**30
        assert profile_hub.api.delete("/users/bob/server").status_code in (202, 204)
        again = browser.get("/hub/spawn/bob")
        assert 'value="vim"' in again.text


def test_user_options_of_the_api(profile_hub: HubProcess, profile_store: Store) -> None:
    """As KubeSpawner takes them; the sentence about a wrong one is in the answer."""
    profile_hub.api.post("/users/eve")
    refused = profile_hub.api.post("/users/eve/server", json={"profile": "huge"})
    assert refused.status_code == 400
    assert refused.json()["message"] == (
        "'huge' cannot be chosen for profile; choose one of: small, large."
    )
    chosen = {"profile": "large", "tool": "b"}
    assert profile_hub.api.post("/users/eve/server", json=chosen).status_code == 201
    assert spec_of(profile_store, "eve").environment["T"] == "b"


def test_groups_and_hooks(profile_hub: HubProcess, profile_store: Store) -> None:
    """JupyterHub's own overrides and hooks reach the record, and so do the user's groups."""
    profile_hub.api.post("/users/ada")
    assert profile_hub.spawn("ada").status_code == 201
    spec = spec_of(profile_store, "ada")
    assert spec.groups == ("all", "gpu")
    wanted = {"GROUP": "gpu", "HOOK": "1", "AUTH": "1"}
    assert {name: spec.environment.get(name) for name in wanted} == wanted
    events = list(profile_hub.progress("ada"))
    assert events[-1]["message"] == "At last."
    assert profile_hub.api.delete("/users/ada/server").status_code in (202, 204)
    assert (profile_hub.folder / "stopped").exists()


def test_homes_are_remembered_in_the_hubs_database(
    profile_hub: HubProcess, profile_store: Store
) -> None:
    """A stop, a new configuration and a restart of the hub later, the home is the same."""
    name = notebook_name("zoe.x")
    assert profile_hub.spawn("zoe.x").status_code == 201
    before = spec_of(profile_store, name).mounts
    assert profile_hub.api.delete("/users/zoe.x/server").status_code in (202, 204)
    profile_hub.stop()
    profile_hub.configure('c.SwarmHubSpawner.slug_scheme = "escape"')
    profile_hub.start()
    assert profile_hub.spawn("zoe.x").status_code == 201
    assert profile_hub.spawn("new.x").status_code == 201
    assert spec_of(profile_store, name).mounts == before
    new = spec_of(profile_store, notebook_name("new.x")).mounts
    assert [mount.volume for mount in new] == ["jupyterhub-user-new-2ex"]


def test_a_hub_does_not_start_with_what_cannot_be(tmp_path: Path, profile_store: Store) -> None:
    """Its log says all of it, in sentences."""
    wrong = "c.KubeSpawner.privileged = True\nc.DockerSpawner.host_ip = '0.0.0.0'\n"
    hub = HubProcess(tmp_path, profile_store.url, f"{wrong}{CONFIG}")
    with pytest.raises(AssertionError):
        hub.start()
    assert hub.exit_code(10) == 1
    assert "c.KubeSpawner.privileged: privileged = True cannot be in a Swarm" in hub.log()
    assert "c.DockerSpawner.host_ip: host_ip cannot be set: no port of a node" in hub.log()
    hub.api.close()
