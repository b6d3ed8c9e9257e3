"""The table of other spawners' options, the options made from it, and the page made from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from swarmhub_spawner.peers.option import Fate, PeerOption
from swarmhub_spawner.peers.page import TABLES, page
from swarmhub_spawner.peers.traits import BY_NAME, refusal
from swarmhub_spawner.spawner import SwarmHubSpawner
from traitlets import TraitError
from unit.spawner.conftest import MakeSpawner

ROOT = Path(__file__).parents[3]
THEIRS = json.loads((Path(__file__).parent / "peer_options.json").read_text())
ALL = [option for _, _, options in TABLES.values() for option in options]


@pytest.mark.parametrize("spawner", TABLES)
def test_every_option_of_theirs_is_in_the_table_once(spawner: str) -> None:
    """Nobody's option was forgotten, and none was made up."""
    _, version, options = TABLES[spawner]
    assert version == THEIRS[spawner]["version"]
    assert sorted(option.name for option in options) == THEIRS[spawner]["options"]


def test_the_page_is_the_table() -> None:
    """`python -m swarmhub_spawner.peers.page` writes it anew."""
    assert (ROOT / "docs" / "compatibility.md").read_text() == page()


def test_an_option_has_one_fate() -> None:
    """What two spawners have under one name is not the one here and the other there."""
    fates: dict[str, Fate] = {}
    for option in ALL:
        assert fates.setdefault(option.name, option.fate) is option.fate, option.name


@pytest.mark.parametrize("option", ALL, ids=lambda option: option.name)
def test_it_is_as_the_table_says(option: PeerOption, make_spawner: MakeSpawner) -> None:
    """What is the same can be set; what is refused cannot, at any time, and its sentence helps."""
    trait = SwarmHubSpawner.class_traits(config=True)[option.name]
    if option.fate is Fate.SAME:
        assert not trait.metadata.get("peer")
        assert option.name not in BY_NAME
    elif option.fate is Fate.ALIAS:
        assert option.ours in SwarmHubSpawner.class_trait_names(config=True)
    else:
        spawner = make_spawner()
        for plain in option.plain:
            setattr(spawner, option.name, plain)
        wrong = {"no": "such"}
        with pytest.raises(TraitError) as caught:
            setattr(spawner, option.name, wrong)
        assert str(caught.value) == refusal(option, wrong)
        assert str(caught.value).startswith(option.name)
        assert str(caught.value).endswith(".")


def test_what_is_so_anyway_is_told_apart_by_type(make_spawner: MakeSpawner) -> None:
    """0 is not False, and 1 is not True: who writes that means something else."""
    with pytest.raises(TraitError, match="privileged = 0"):
        make_spawner().privileged = 0


@pytest.mark.parametrize(
    ("name", "value", "ours", "becomes"),
    [
        ("image_pull_policy", "Always", "pull_policy", "always"),
        ("container_image", "a", "image", "a"),
        ("image_whitelist", ["a"], "allowed_images", ["a"]),
        ("container_port", 9, "port", 9),
        ("container_prefix", "p", "prefix", "p"),
        ("delete_pvc", True, "home_reclaim", "Delete"),
        ("delete_pvc", False, "home_reclaim", "Retain"),
        ("remember_pvc_name", False, "remember_volume_names", False),
    ],
)
def test_another_name_sets_ours(
    make_spawner: MakeSpawner, name: str, value: object, ours: str, becomes: object
) -> None:
    """And reads it."""
    spawner = make_spawner()
    setattr(spawner, name, value)
    assert getattr(spawner, ours) == becomes
    assert getattr(spawner, name) == becomes


def test_help_lists_our_options_alone() -> None:
    """`jupyterhub --help-all` is about what can be set."""
    own = SwarmHubSpawner.class_own_traits(config=True)
    assert {"image", "profile_list", "volumes", "mem_limit", "state_url"} <= own.keys()
    assert not own.keys() & {"privileged", "delete_pvc", "poll_jitter"}
