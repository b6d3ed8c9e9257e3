"""Profiles as plain values: reading, choosing, and the form."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from swarmhub_spawner.choices.form import image_form, profile_form
from swarmhub_spawner.choices.profiles import (
    chosen_overrides,
    chosen_profile,
    options_of_form,
    read_profiles,
    unused_options,
)
from swarmhub_spawner.errors import OptionError, SpawnError

PROFILES: list[dict[str, Any]] = [
    {"display_name": "Small <b>one</b>", "description": "For <i>all</i>."},
    {
        "display_name": "GPU: 1 card",
        "profile_options": {
            "image": {
                "choices": {"a": {"display_name": "A"}, "b": {}},
                "unlisted_choice": {"enabled": True, "validation_regex": "x/.*"},
            },
            "size": {"unlisted_choice": {"enabled": True, "display_name": "Size"}},
        },
    },
]


class Fields(HTMLParser):
    """What a browser would find in a form."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Return the attributes of all such tags."""
        return [a for t, a in self.tags if t == tag and wanted.items() <= a.items()]


def test_what_may_be_left_out_is_filled_in_and_the_original_stays() -> None:
    """Slugs, names and defaults."""
    read = read_profiles(PROFILES)
    assert [profile["slug"] for profile in read] == ["small-b-one-b", "gpu-1-card"]
    assert [bool(profile.get("default")) for profile in read] == [True, False]
    image = read[1]["profile_options"]["image"]
    assert image["display_name"] == "image"
    assert image["choices"] == {
        "a": {"display_name": "A", "default": True},
        "b": {"display_name": "b"},
    }
    assert image["unlisted_choice"]["display_name_in_choices"] == "Other..."
    assert "slug" not in PROFILES[0]
    assert "default" not in PROFILES[1]["profile_options"]["image"]["choices"]["a"]


def test_a_dict_of_profiles_is_taken_in_the_order_of_its_keys() -> None:
    """As KubeSpawner does it, so that several files can add to it."""
    read = read_profiles({"2": {"display_name": "B"}, "1": {"display_name": "A"}})
    assert [profile["slug"] for profile in read] == ["a", "b"]
    assert read_profiles([]) == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ("x", "is no list of profiles"),
        ([{"description": "x"}], "give it a display_name"),
        ([{"display_name": "A", "slug": "a"}, {"slug": "a"}], "two profiles have the slug 'a'"),
        ([{"display_name": "A"}, {"display_name": "A"}], "two profiles have the slug 'a-559aead0'"),
    ],
)
def test_what_is_no_profile_is_refused(found: Any, sentence: str) -> None:
    """By a sentence that names the option."""
    with pytest.raises(OptionError, match=sentence) as caught:
        read_profiles(found)
    assert str(caught.value).startswith("profile_list: ")


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        (["Größe: XL"], ["grosse-xl"]),
        (["数据科学", "机器学习"], ["shu-ju-ke-xue", "ji-qi-xue-xi"]),
        (["🚀", "---"], ["profile-ebbc0b28", "profile-cb3f91d5"]),
        (["C", "C++", "R"], ["c-6b23c0d5", "c-f1deb75f", "r"]),
    ],
)
def test_slugs(names: list[str], slugs: list[str]) -> None:
    """As KubeSpawner's; never empty, and none twice if the names differ."""
    profiles = read_profiles([{"display_name": name} for name in names])
    assert [profile["slug"] for profile in profiles] == slugs


@pytest.mark.parametrize(
    ("sent", "options"),
    [
        ({}, {}),
        ({"profile": ["a"], "_xsrf": ["x"]}, {"profile": "a"}),
        ({"profile": ["a"], "profile-option-a--i": ["1"]}, {"profile": "a", "i": "1"}),
        ({"profile": ["a"], "profile-option-b--i": ["1"]}, {"profile": "a"}),
        (  # without a script, the text is sent beside the list
            {
                "profile": ["a"],
                "profile-option-a--i": ["unlisted-choice"],
                "profile-option-a--i--unlisted-choice": ["t"],
            },
            {"profile": "a", "i--unlisted-choice": "t"},
        ),
        (
            {
                "profile": ["a"],
                "profile-option-a--i": ["1"],
                "profile-option-a--i--unlisted-choice": ["t"],
            },
            {"profile": "a", "i": "1"},
        ),
        (  # KubeSpawner's form sends the text alone
            {"profile": ["a"], "profile-option-a--i--unlisted-choice": ["t"]},
            {"profile": "a", "i--unlisted-choice": "t"},
        ),
    ],
)
def test_what_a_form_sends(sent: dict[str, list[str]], options: dict[str, str]) -> None:
    """Only what belongs to the chosen profile counts, and a text only where the list says so."""
    assert options_of_form(sent) == options


def test_an_option_that_has_no_list_must_be_filled_in() -> None:
    """There is no default to fall back on."""
    profile = chosen_profile(read_profiles(PROFILES), {"profile": "gpu-1-card"})
    with pytest.raises(SpawnError, match="Please fill in 'size'") as caught:
        list(chosen_overrides(profile, {}))
    assert caught.value.status_code == 400
    assert unused_options(profile, {"profile": "x", "size--unlisted-choice": "1", "y": 2}) == ["y"]


def test_the_form_can_be_used_by_everybody() -> None:
    """Each field has its label, nothing is loaded from elsewhere, and the default is chosen."""
    html = profile_form(read_profiles(PROFILES), {})
    fields = Fields(html)
    radios = fields.all("input", type="radio", name="profile")
    assert [radio["value"] for radio in radios] == ["small-b-one-b", "gpu-1-card"]
    assert [("checked" in radio) for radio in radios] == [True, False]
    labelled = {label["for"] for label in fields.all("label")}
    named = [a for tag, a in fields.tags if tag in ("input", "select")]
    assert {field["id"] for field in named} == labelled
    assert len({field["id"] for field in named}) == len(named)
    assert not [a for _, a in fields.tags if a.keys() & {"src", "href", "onclick"}]
    assert fields.all("fieldset")
    assert "Small <b>one</b>" in html, "names are the administrator's, and may hold HTML"


def test_the_form_shows_what_was_chosen_last_time() -> None:
    """And what the user wrote is never HTML."""
    before = {"profile": "gpu-1-card", "image--unlisted-choice": 'x/"><script>', "size": "1"}
    fields = Fields(profile_form(read_profiles(PROFILES), before))
    chosen = [radio["value"] for radio in fields.all("input", type="radio") if "checked" in radio]
    assert chosen == ["gpu-1-card"]
    other = fields.all("input", id="profile-option-gpu-1-card--image--unlisted-choice")
    assert [field["value"] for field in other] == ['x/"><script>']
    assert [o["value"] for o in fields.all("option") if "selected" in o] == ["unlisted-choice"]
    assert len(fields.all("script")) == 1
    again = Fields(profile_form(read_profiles(PROFILES), {"profile": "gone"}))
    assert "checked" in again.all("input", value="small-b-one-b")[0]


def test_a_form_of_ones_own(tmp_path: Any) -> None:
    """As a text, or as a form.html in a folder."""
    (tmp_path / "form.html").write_text("{{ profile_list | length }} in a folder")
    profiles = read_profiles(PROFILES)
    assert profile_form(profiles, {}, folders=[str(tmp_path)]) == "2 in a folder"
    text = "{{ user_options.profile }} {{ profile_list[0].slug }}"
    assert profile_form(profiles, {"profile": "<x>"}, template=text) == "&lt;x&gt; small-b-one-b"


def test_the_form_for_images() -> None:
    """The one chosen before is chosen again."""
    fields = Fields(image_form(["A <1>", "B"], "B"))
    assert [o["value"] for o in fields.all("option")] == ["A <1>", "B"]
    assert [o["value"] for o in fields.all("option") if "selected" in o] == ["B"]
    assert fields.all("select", id="image")
    assert fields.all("label", **{"for": "image"})
