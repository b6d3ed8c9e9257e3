"""Fields of templates, ways of escaping, and homes that stay where they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_crds.escaping import Escape, escaped, legacy_escaped
from swarmhub_crds.names import slug
from swarmhub_spawner.building.homenames import HomeNames, remembered_names
from swarmhub_spawner.building.spec import Request, Wanted, build_spec
from swarmhub_spawner.building.templates import (
    Naming,
    SlugScheme,
    namespace,
)
from swarmhub_spawner.building.volumes import VolumeOptions

ESCAPE = Naming(scheme=SlugScheme.ESCAPE)
# DockerSpawner writes a control character with one digit, so what follows can be taken for another.
TEXTS = st.text(st.characters(min_codepoint=0x20, codec="utf-8"), max_size=20)


def started(
    template: str, *, server: str = "", naming: Naming | None = None, state: object = None
) -> Wanted:
    """Return what a start of Ada@x's server asks for, with what its state remembers."""
    return build_spec(
        Request(
            user="Ada@x",
            user_id=7,
            server=server,
            image="reg:5000/lab:1",
            command=["start"],
            networks=["nb"],
            naming=naming or Naming(),
            remembered=remembered_names("Ada@x", state, (), [template]),
            volumes=VolumeOptions(volumes={template: "/home", "shared": "/shared"}),
        )
    )


@pytest.mark.parametrize(
    ("text", "new", "old"),
    [  # as dockerspawner 14 writes them
        ("ada", "ada", "ada"),
        ("Ada@x", "-41da-40x", "Ada_40x"),
        ("ada-b", "ada-2db", "ada-b"),
        ("ü.l", "-c3-bc-2el", "_C3_BC_2El"),
        ("x_y", "x-5fy", "x_5Fy"),
    ],
)
def test_dockerspawners_ways_of_escaping(text: str, new: str, old: str) -> None:
    """Both, so that volumes are found again."""
    assert escaped(text) == new
    assert legacy_escaped(text) == old
    assert (Escape.ESCAPE.read(new), Escape.LEGACY.read(old)) == (text, text)


@given(TEXTS, st.sampled_from(Escape))
def test_what_is_read_was_written_so(text: str, escape: Escape) -> None:
    """Whatever stands in a volume's name, and whoever is called how."""
    found = escape.read(text)
    assert found is None or escape.write(found) == text
    assert escape.read(escape.write(text)) == text


@pytest.mark.parametrize("text", ["ada-", "ada-2g", "Ada", "ada-2D", "-ff", "ada_2e"])
def test_nobody_is_written_so(text: str) -> None:
    """By DockerSpawner 12 and newer."""
    assert Escape.ESCAPE.read(text) is None


@given(TEXTS, TEXTS)
def test_escaping_keeps_names_apart(one: str, other: str) -> None:
    """And makes nothing that a volume's name cannot hold."""
    assert (escaped(one) == escaped(other)) == (one == other)
    assert set(escaped(one)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_every_field_of_the_others_is_known() -> None:
    """DockerSpawner's and KubeSpawner's."""
    values = namespace("Ada@x", "My Lab", 7, ESCAPE, "reg:5000/lab:1")
    assert values["username"] == "-41da-40x"
    assert values["servername"] == "my-20lab"
    assert values["user_server"] == "-41da-40x--my-20lab"
    assert values["raw_username"] == values["unescaped_username"] == "Ada@x"
    assert values["raw_servername"] == values["unescaped_servername"] == "My Lab"
    assert values["imagename"] == "reg-5000-lab-1"
    assert values["prefix"] == "jupyter"
    assert values["userid"] == "7"
    own = namespace("ada", "lab", 7, Naming(escape=str.upper, prefix="p"))
    assert (own["username"], own["servername"], own["prefix"]) == ("ADA", "LAB", "p")


@pytest.mark.parametrize(
    "later",
    [
        {"template": "jupyter-{username}", "naming": ESCAPE},
        {"template": "other-{username}"},
        {"template": "{prefix}-{userid}", "naming": Naming(prefix="p")},
    ],
)
def test_a_changed_template_moves_nobodys_home(later: dict[str, object]) -> None:
    """What was mounted at a path is mounted there again."""
    first = started("jupyter-{username}")
    state = first.names.as_state()
    again = started(**later, state=state)  # type: ignore[arg-type]
    assert [m.volume for m in again.spec.mounts] == [m.volume for m in first.spec.mounts]
    assert again.homes.keys() == first.homes.keys()
    assert again.names.as_state() == first.names.as_state()


def test_what_is_not_a_home_follows_the_configuration() -> None:
    """And a home that the configuration itself mounts elsewhere is not mounted twice."""
    state = {"user": "Ada@x", "shared": {"/home": "old", "/shared": "old2", "/x": "shared"}}
    found = started("jupyter-{username}", state=state)
    assert [m.volume for m in found.spec.mounts] == ["old", "shared"]


def test_another_server_of_the_user_finds_the_common_home() -> None:
    """Its own state remembers nothing yet."""
    default = started("jupyter-{username}").names
    known = remembered_names("Ada@x", None, [None, {}, default.as_state()])
    assert known.at("/home", of_server=False) == default.shared["/home"]
    own = started("jupyter-{user_server}", server="lab").names
    assert remembered_names("Ada@x", None, [own.as_state()]).own == {}
    assert remembered_names("Ada@x", own.as_state(), ()).own == own.own


def test_who_is_renamed_has_new_homes() -> None:
    """The old ones carry the old name, and are another user's by then."""
    state = started("jupyter-{username}").names.as_state()
    assert remembered_names("eve", state, [state]) == HomeNames(user="eve")


def test_what_is_chosen_for_a_start_is_mounted_as_chosen() -> None:
    """By a profile, a group or a hook; afterwards the home of before is found again."""
    usual = started("jupyter-{username}").names
    chosen = build_spec(
        Request(
            user="Ada@x",
            user_id=7,
            image="lab",
            command=["start"],
            networks=["nb"],
            remembered=remembered_names("Ada@x", usual.as_state(), (), ["jupyter-{username}"]),
            volumes=VolumeOptions(volumes={"gpu-{username}": "/home"}),
        )
    )
    assert [m.volume for m in chosen.spec.mounts] == [f"gpu-{slug('Ada@x')}"]
    assert chosen.names.as_state() == usual.as_state()


def test_a_home_of_an_image_follows_the_image() -> None:
    """Its name says that it is to be another one with another image."""
    first = started("{username}-{imagename}")
    assert first.names.as_state()["shared"] == {}
    assert first.homes
