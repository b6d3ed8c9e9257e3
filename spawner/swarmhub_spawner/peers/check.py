"""Checks of a configuration: nothing that is set is ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final

from traitlets import HasTraits, TraitError
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from swarmhub_spawner.errors import OptionError
from swarmhub_spawner.peers.option import Fate
from swarmhub_spawner.peers.traits import BY_NAME, refusal

PEER_SECTIONS: Final = ("KubeSpawner", "DockerSpawner", "SwarmSpawner")


def check_override(spawner: type[HasTraits], name: str, value: Any) -> None:
    """Look whether what an override names is an option that can be set; its trait sees the rest.

    Raises:
        OptionError: it is not; the sentence says what to do instead.
    """
    if name not in spawner.class_trait_names() and not hasattr(spawner, name):
        raise OptionError(_unknown(spawner, name))
    option = BY_NAME.get(name)
    # An override is called before the trait sees it.
    if option and option.fate is Fate.REFUSED and callable(value):
        raise OptionError(refusal(option, value))


def _unknown(spawner: type[HasTraits], name: str) -> str:
    near = get_close_matches(name, spawner.class_trait_names(config=True), 1)
    end = f"did you mean {near[0]}?" if near else "docs/compatibility.md lists what can be set."
    return f"{name} is no option of {spawner.__name__}; {end}"


def problems(config: Config, sections: Sequence[str], spawner: type[HasTraits]) -> Iterator[str]:
    """Give a sentence for each thing in these sections that cannot be set.

    `spawner` is the class of the options; it is made without a user.
    """
    options = spawner()
    for section in sections:
        if section not in config:
            continue
        for name, value in config[section].items():
            if isinstance(value, Config):
                continue
            reason = _problem(options, name, value)
            if reason:
                yield f"c.{section}.{name}: {reason}"


def _problem(options: HasTraits, name: str, value: Any) -> str:
    try:
        check_override(type(options), name, value)
        if isinstance(value, LazyConfigValue):
            value = value.get_value(getattr(options, name))
        setattr(options, name, value)
    except (OptionError, TraitError) as error:
        return str(error)
    return ""
