"""What would fail each start ends the start of the hub."""

from __future__ import annotations

from typing import Any

import pytest
from swarmhub_spawner.configuration import check_config
from swarmhub_spawner.errors import OptionError
from swarmhub_spawner.spawner import SwarmHubSpawner
from traitlets import Unicode
from traitlets.config import Config


class Mine(SwarmHubSpawner):
    """A spawner with an option more."""

    course = Unicode(config=True)


def _check(**options: Any) -> None:
    config = Config()
    config.SwarmHubSpawner.update(options)
    check_config(config)


def _profile(**override: Any) -> dict[str, Any]:
    return {"display_name": "GPU", "spawner_override": override}


def _choices(**choices: Any) -> dict[str, Any]:
    return {"display_name": "GPU", "profile_options": {"size": {"choices": choices}}}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"image": "lab:{usrname}"}, "image: {usrname} in"),
        ({"volumes": {"home-{user}": "/home"}}, "volumes: {user} in"),
        ({"volumes": {"home": {"bind": "/home", "mode": "z9"}}}, "the mode 'z9'"),
        ({"extra_container_spec": {"junk": 1}}, "extra_container_spec: 'junk' is not known"),
        ({"extra_host_config": {"runtime": "nvidia"}}, "'runtime' cannot be chosen"),
        ({"extra_placement_spec": {"preferences": []}}, "'preferences' is not supported"),
        ({"mem_limit": "1G", "mem_guarantee": "2G"}, "mem"),
        ({"delete_grace_period": -1}, "delete_grace_period"),
        ({"cmd": None}, "cmd = None, the image's own command, cannot be"),
        ({"cmd": []}, "cmd = [], the image's own command, cannot be"),
        ({"profile_list": [_profile(imge="x")]}, "imge is no option"),
        ({"profile_list": [_profile(mem_limit="much")]}, "much is not a valid memory"),
        (
            {"profile_list": [_profile(extra_container_spec={"junk": 1})]},
            "extra_container_spec: 'junk' is not known",
        ),
        (
            {
                "profile_list": [
                    _choices(small={}, big={"kubespawner_override": {"mem_limit": "much"}})
                ]
            },
            "profile_list: 'gpu' with 'big': mem_limit: much is not a valid memory",
        ),
        ({"profile_list": [{"display_name": "A", "profile_options": ["x"]}]}, "no dict of dicts"),
        ({"profile_list": [_choices(small="512M")]}, "choices is no dict of dicts"),
        (
            {"profile_list": [{"display_name": "A", "spawner_override": ["image"]}]},
            "spawner_override is no dict",
        ),
        ({"profile_list": [_profile()], "allowed_images": ["lab"]}, "users get one form"),
        ({"group_overrides": {"staff": {"groups": ["staff"]}}}, "'staff' must be a dict with"),
        (
            {
                "group_overrides": {
                    "staff": {"groups": ["staff"], "spawner_override": {"imge": "lab"}}
                }
            },
            "group_overrides: 'staff': imge is no option",
        ),
    ],
)
def test_what_would_fail_a_start_is_told_at_once(options: dict[str, Any], named: str) -> None:
    """Whether it stands in an option, a profile, a choice or a group's override."""
    with pytest.raises(OptionError) as refused:
        _check(**options)
    assert named in str(refused.value)


@pytest.mark.parametrize("key", ["validation_regex", "spawner_override"])
def test_what_is_wrong_with_what_users_write(key: str) -> None:
    """Its pattern and the names of its options are looked at; its values nobody knows yet."""
    unlisted: dict[str, Any] = {"enabled": True, "spawner_override": {"mem_limit": "{value}"}}
    options = {"size": {"unlisted_choice": unlisted}}
    _check(profile_list=[{"display_name": "A", "profile_options": options}])
    unlisted[key] = {"validation_regex": "(", "spawner_override": {"mem": "{value}"}}[key]
    with pytest.raises(OptionError):
        _check(profile_list=[{"display_name": "A", "profile_options": options}])


def test_a_dict_may_take_the_place_of_a_text() -> None:
    """In an override, in which JupyterHub would merge the two."""
    _check(
        volumes={"home-{username}": "/home"},
        profile_list=[_profile(volumes={"home-{username}": {"bind": "/home", "mode": "ro"}})],
    )


def test_a_field_that_is_not_known_in_a_text_of_kubespawner() -> None:
    """It is filled there, and left as it is elsewhere."""
    config = Config()
    config.SwarmHubSpawner.environment = {"A": "{usr}"}
    check_config(config)
    config = Config()
    config.KubeSpawner.environment.update({"A": "{usr}"})
    with pytest.raises(OptionError, match=r"environment: \{usr\} in"):
        check_config(config)


def test_what_only_some_starts_have_ends_no_hub() -> None:
    """Options that conflict in a combination nobody need take, or that something puts right."""
    sizes = {
        "need": {"choices": {"1G": {}, "8G": {"spawner_override": {"mem_guarantee": "8G"}}}},
        "most": {"choices": {"2G": {}, "16G": {"spawner_override": {"mem_limit": "16G"}}}},
    }
    big = {"mem_guarantee": "4G", "mem_limit": lambda _: "8G"}
    groups = {
        "a": {"groups": frozenset({"x"}), "spawner_override": {"mem_guarantee": "4G"}},
        "b": {"groups": {"x": 1}, "spawner_override": {"mem_limit": "8G"}},
    }
    _check(mem_limit="2G", profile_list=[{"display_name": "A", "profile_options": sizes}])
    _check(mem_limit="2G", profile_list=[_profile(**big)])
    _check(mem_limit="2G", group_overrides=groups)
    _check(volumes={"set-{course}": "/set"}, pre_spawn_hook=lambda _: None)
    names = {"ada": "old-ada"}
    _check(escape=lambda name: names[name], volumes={"home-{username}": "/home"})


def test_a_sites_own_class_is_judged_by_itself() -> None:
    """With the options that it has added."""
    config = Config()
    config.JupyterHub.spawner_class = Mine
    config.SwarmHubSpawner.profile_list = [_profile(course="x")]
    check_config(config)
    config.SwarmHubSpawner.profile_list = [_profile(course=1)]
    with pytest.raises(OptionError, match="course"):
        check_config(config)


def test_a_part_of_a_value_that_will_not_do_is_told_as_a_sentence() -> None:
    """What traitlets tells in pieces is put together."""
    with pytest.raises(OptionError, match="profile_list: 'gpu': extra_networks") as refused:
        _check(profile_list=[_profile(extra_networks=[5])])
    assert "object at" not in str(refused.value)


def test_one_fault_is_told_once() -> None:
    """A fault that no choice makes better or worse is not repeated for each."""
    with pytest.raises(OptionError) as refused:
        _check(
            extra_container_spec={"junk": 1},
            profile_list=[_choices(small={}, big={}), {"display_name": "CPU"}],
            group_overrides={"staff": {"groups": ["staff"], "spawner_override": {"port": 9999}}},
        )
    assert str(refused.value).count("junk") == 1
    assert "gpu" not in str(refused.value)


def test_what_only_a_start_knows_is_left_to_it() -> None:
    """Callables, and an image or a network that comes later."""
    _check(
        image=lambda _: "lab",
        volumes={"home-{username}": "/home"},
        environment={"WHO": lambda spawner: spawner.user.name},
        cpu_limit=lambda _: 1,
        profile_list=[_profile(mem_limit=lambda _: "1G")],
        group_overrides=lambda _: {},
    )
    _check(profile_list=lambda _: [], allowed_images=lambda _: [])


def test_nothing_of_the_trial_stays_in_the_configuration() -> None:
    """Overrides are merged into dicts; the next trial and the hub see none of it."""
    config = Config()
    config.SwarmHubSpawner.environment = {"A": "1"}
    config.SwarmHubSpawner.profile_list = [_profile(environment={"B": "2"})]
    check_config(config)
    assert config.SwarmHubSpawner.environment == {"A": "1"}
