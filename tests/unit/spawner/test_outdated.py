"""A running server and the options that a hub has by now."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from swarmhub_crds.image import SeenImage
from swarmhub_crds.store import Store
from swarmhub_spawner.spawner import SwarmHubSpawner
from traitlets.config import Config
from unit.spawner.conftest import MakeSpawner
from unit.spawner.fakes import FakeOperator

PROFILES = [
    {"display_name": "Small", "spawner_override": {"mem_limit": "1G"}},
    {"display_name": "Large", "spawner_override": {"mem_limit": "8G"}},
]


def config(**options: Any) -> Config:
    """Return a hub's configuration."""
    return Config(SwarmHubSpawner={"image": "ok", "network_name": "nb", **options})


async def started(make: MakeSpawner, had: Config, **chosen: Any) -> dict[str, Any]:
    """Start a server with a configuration; return the state that the hub saves."""
    spawner = make(config=had, user_options=chosen)
    spawner.clear_state()
    await spawner.start()
    return spawner.get_state()


async def told(make: MakeSpawner, state: dict[str, Any], has: Config, **chosen: Any) -> str:
    """Return what the server's user is told once the hub has another configuration."""
    spawner = make(config=has, user_options=chosen)
    spawner.load_state(state)
    return await spawner.restart_pending()


ANY = lambda spawner: "ok"  # noqa: E731


@pytest.mark.parametrize(
    ("had", "has", "words"),
    [
        ({}, {}, ""),
        ({}, {"image": "ok:2"}, ": the image (now ok:2). "),
        ({"mem_limit": "1G"}, {"mem_limit": "2G"}, ": the memory limit (now 2 GiB). "),
        ({"cpu_guarantee": 1}, {}, ": the CPU guarantee (now none). "),
        ({}, {"environment": {"A": "1"}}, ": the environment. "),
        ({}, {"read_only_volumes": {"data": "/data"}}, ": the volumes. "),
        ({}, {"node_selector": {"disk": "ssd"}}, ": the choice of a node. "),
        # A secret is not kept, so its change is not seen.
        ({"environment": {"X_TOKEN": "1"}}, {"environment": {"X_TOKEN": "2"}}, ""),
        (
            {"extra_container_spec": {"env": ["X_TOKEN=1"]}},
            {"extra_container_spec": {"env": ["X_TOKEN=2"], "tty": True}},
            ": the container settings. ",
        ),
        ({}, {"extra_container_spec": {"env": ["X_TOKEN=2"]}}, ""),
        # The home that was mounted there before stays.
        ({"prefix": "a", "volumes": {"{prefix}-{username}": "/home/jovyan"}},
         {"prefix": "b", "volumes": {"{prefix}-{username}": "/home/jovyan"}}, ""),
        # What was not there as it was configured tells nothing.
        ({"image": ANY}, {"image": "ok:2"}, ""),
        ({"pre_spawn_hook": ANY, "image": "ok"}, {"image": "ok:2"}, ": the image (now ok:2). "),
    ],
)  # fmt: skip
async def test_changed_options(
    make_spawner: MakeSpawner,
    operator: FakeOperator,
    had: dict[str, Any],
    has: dict[str, Any],
    words: str,
) -> None:
    """What a restart would change is told; nothing else is."""
    state = await started(make_spawner, config(**had))
    text = await told(make_spawner, state, config(**has))
    assert (words in text) if words else text == ""


async def test_what_a_hook_decides_is_not_foretold(
    make_spawner: MakeSpawner, operator: FakeOperator
) -> None:
    """An image that is another one by a hook says nothing about the configured one."""
    spawner = make_spawner(config=config(image="configured", mem_limit="1G"))
    spawner.clear_state()
    spawner.image = "ok"  # as a pre_spawn_hook does
    await spawner.start()
    text = await told(make_spawner, spawner.get_state(), config(image="new", mem_limit="2G"))
    assert "memory limit" in text
    assert "image" not in text


async def test_a_hook_on_the_record_may_change_anything(
    make_spawner: MakeSpawner, operator: FakeOperator
) -> None:
    """So nothing is told of the options."""
    had = config(modify_record_hook=lambda spawner, spec: spec)
    state = await started(make_spawner, had)
    assert await told(make_spawner, state, config(image="ok:2")) == ""


async def test_changed_profile(make_spawner: MakeSpawner, operator: FakeOperator) -> None:
    """The chosen profile counts, and no other; one that is gone is told too."""
    state = await started(make_spawner, config(profile_list=PROFILES), profile="large")
    assert await told(make_spawner, state, config(profile_list=PROFILES), profile="large") == ""
    larger = {"display_name": "Large", "spawner_override": {"mem_limit": "9G"}}
    other = config(profile_list=[{"display_name": "Small"}, larger])
    text = await told(make_spawner, state, other, profile="large")
    assert ": the memory limit (now 9 GiB). " in text
    text = await told(make_spawner, state, config(profile_list=PROFILES[:1]), profile="large")
    assert ": the choice that you made (now no longer offered). " in text


async def test_callables_are_not_called_by_a_look(
    make_spawner: MakeSpawner, operator: FakeOperator
) -> None:
    """Neither hooks nor values of overrides: they may do something."""
    called: list[str] = []

    def limit(spawner: SwarmHubSpawner) -> str:
        called.append(spawner.user.name)
        return "8G"

    override = {"mem_limit": limit, "cpu_limit": 2.0}
    had = config(profile_list=[{"display_name": "Own", "spawner_override": override}])
    state = await started(make_spawner, had)
    assert called == ["ada"], "the start itself calls it, once"
    assert await told(make_spawner, state, had) == ""
    assert called == ["ada"]


async def test_group_overrides(make_spawner: MakeSpawner, operator: FakeOperator) -> None:
    """Those of the user's groups count, without what would have to be called."""
    group = {"image": "ok:2", "mem_limit": lambda spawner: spawner.not_there}
    had = config(group_overrides={"g": {"groups": ["g"], "spawner_override": group}})
    state = await started(make_spawner, had)
    assert await told(make_spawner, state, had) == ""
    member = make_spawner(config=had)
    member.user.groups = [SimpleNamespace(name="g")]
    member.load_state(state)
    assert ": the image (now ok:2). " in await member.restart_pending()
    assert await told(make_spawner, state, config(group_overrides=lambda spawner: {})) == ""


async def test_new_content_of_the_image(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Told once the nodes have it, as starts use it then; not of an image that is never pulled."""
    state = await started(make_spawner, config())
    operator.write("ada", image="ok@sha256:aa")
    operator.put_images(SeenImage(image="ok", reference="ok@sha256:aa", coming="ok@sha256:bb"))
    assert await told(make_spawner, state, config()) == ""
    operator.put_images(SeenImage(image="ok", reference="ok@sha256:bb"))
    assert ": the content of the image. " in await told(make_spawner, state, config())
    other = await told(make_spawner, state, config(image="ok:2"))
    assert "content" not in other, "the image itself is another one then"
    state = await started(make_spawner, config(pull_policy="never"))
    assert await told(make_spawner, state, config(pull_policy="never")) == ""


async def test_what_cannot_be_found_out_is_not_told(
    make_spawner: MakeSpawner, operator: FakeOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of an older version, one without a record, and callables that fail or hang."""
    state = await started(make_spawner, config())
    older = {name: value for name, value in state.items() if name != "settings"}
    assert await told(make_spawner, older, config(image="ok:2")) == ""
    assert await told(make_spawner, {**state, "record": "nobody"}, config(image="ok:2")) == ""

    def fails(spawner: SwarmHubSpawner) -> list[Any]:
        raise KeyError("handler")

    assert await told(make_spawner, state, config(profile_list=fails)) == ""

    async def hangs(spawner: SwarmHubSpawner) -> list[Any]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr("swarmhub_spawner.outdated._PATIENCE", 0.05)
    assert await told(make_spawner, state, config(profile_list=hangs)) == ""
