"""KubeSpawner fills templates in the values of `environment`, and other spawners do not.

So those are filled that stand in its section of the configuration or in a `kubespawner_override`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from swarmhub_spawner.building.templates import expand

_OPTION: Final = "environment"


class KubeText(str):
    """A value of `environment` whose templates are to be filled."""

    __slots__ = ()


def marked(override: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a `kubespawner_override` whose texts in `environment` can be told from others."""
    said = override.get(_OPTION)
    if not isinstance(said, Mapping):
        return override
    texts = {key: KubeText(v) if isinstance(v, str) else v for key, v in said.items()}
    return {**override, _OPTION: texts}


def filled(
    environment: Mapping[str, Any], config: Config, fields: Mapping[str, str]
) -> dict[str, str]:
    """Return those of the environment's variables that are templates, filled.

    Raises:
        OptionError: a field is not known, or the braces do not match.
    """
    configured = config["KubeSpawner"].get(_OPTION) if "KubeSpawner" in config else None
    if isinstance(configured, LazyConfigValue):  # `c.KubeSpawner.environment.update(...)`
        configured = configured.get_value({})
    theirs = configured if isinstance(configured, Mapping) else {}
    return {
        name: expand(str(value), fields, _OPTION)
        for name, value in environment.items()
        if isinstance(value, KubeText) or (isinstance(value, str) and theirs.get(name) == value)
    }
