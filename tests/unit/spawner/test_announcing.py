"""The hub tells which images the nodes should have."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from swarmhub_crds.store import Store
from swarmhub_spawner.announcing import announce_configured, announce_images
from traitlets.config import Config


def test_each_image_is_announced_once(tmp_path: Path) -> None:
    """In the order given; what only a user's choice completes cannot be pulled ahead."""
    with closing(Store.open(f"sqlite:///{tmp_path}/state.db")) as store:
        announce_images(store, ["lab:1", "", "lab:2", " lab:1", "{image}:3"])
        assert store.announced_images() == ["lab:1", "lab:2"]


def test_a_hub_announces_what_it_is_configured_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a store it starts all the same."""
    config = Config()
    config.SwarmHubSpawner.image = "lab:1"
    config.SwarmHubSpawner.state_url = f"sqlite:///{tmp_path}/state.db"
    announce_configured(config)
    with closing(Store.open(config.SwarmHubSpawner.state_url, create=False)) as store:
        assert store.announced_images() == ["lab:1"]
    config.SwarmHubSpawner.state_url = f"sqlite:///{tmp_path}/nowhere/state.db"
    announce_configured(config)
    assert "No images are pulled ahead" in caplog.text


def test_images_to_choose_from_are_announced(tmp_path: Path) -> None:
    """Those of profiles and of their choices too, also in the sections of other spawners."""
    url = f"sqlite:///{tmp_path}/state.db"
    config = Config()
    config.SwarmHubSpawner.state_url = url
    config.SwarmHubSpawner.image = "lab:1"
    config.KubeSpawner.profile_list = [
        {"display_name": "Plain"},
        {"display_name": "R", "kubespawner_override": {"image": "r:1"}},
        {
            "display_name": "More",
            "profile_options": {
                "image": {
                    "choices": {
                        "new": {"spawner_override": {"image": "lab:2"}},
                        "same": {"spawner_override": {"image": "r:1"}},
                        "called": {"spawner_override": {"image": lambda _spawner: "lab:3"}},
                    },
                    "unlisted_choice": {"enabled": True, "spawner_override": {"image": "{value}"}},
                }
            },
        },
    ]
    announce_configured(config)
    assert _announced(url) == ["lab:1", "r:1", "lab:2"]
    config.SwarmHubSpawner.pull_policy = "Never"
    announce_configured(config)
    assert _announced(url) == []
    config = Config()
    config.SwarmHubSpawner.state_url = url
    config.SwarmHubSpawner.image = lambda _spawner: "lab:1"
    config.SwarmHubSpawner.profile_list = lambda _spawner: []
    config.DockerSpawner.allowed_images = {"One": "lab:1", "Two": "lab:2"}
    announce_configured(config)
    assert _announced(url) == ["lab:1", "lab:2"]
    config.SwarmHubSpawner.allowed_images = "*"
    announce_configured(config)
    assert _announced(url) == []


def _announced(url: str) -> list[str]:
    with closing(Store.open(url, create=False)) as store:
        return store.announced_images()
