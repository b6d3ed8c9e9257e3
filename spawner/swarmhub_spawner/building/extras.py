"""The options in Docker's own words, taken together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from swarmhub_spawner.building.container import ContainerWords, read_container_spec
from swarmhub_spawner.building.dockerpy import from_create_kwargs, from_host_config
from swarmhub_spawner.building.tasks import (
    read_endpoint_spec,
    read_resources_spec,
    read_task_spec,
)


@dataclass(frozen=True, kw_only=True)
class Extras:
    """The options in Docker's own words, as configured."""

    container_spec: Mapping[str, Any] = field(default_factory=dict)
    task_spec: Mapping[str, Any] = field(default_factory=dict)
    endpoint_spec: Mapping[str, Any] = field(default_factory=dict)
    resources_spec: Mapping[str, Any] = field(default_factory=dict)
    create_kwargs: Mapping[str, Any] = field(default_factory=dict)
    host_config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What these options say, later ones over earlier ones."""

    container: ContainerWords
    mounts: tuple[tuple[str, Any], ...]  # each with the option that names it
    networks: tuple[str, ...]
    resources: Mapping[str, Any]  # fields of a Request
    generic: Mapping[str, Any]


def read_extras(extras: Extras, values: Mapping[str, str], networks: tuple[str, ...]) -> Said:
    """Read all of them; `networks` are those that the notebook is in anyway.

    Raises:
        OptionError: one of them cannot be carried out.
    """
    host_words, host_resources = from_host_config(extras.host_config, networks)
    named = {
        "extra_create_kwargs": from_create_kwargs(extras.create_kwargs),
        "extra_host_config": host_words,
        "extra_container_spec": extras.container_spec,
    }
    read = {option: read_container_spec(option, spec, values) for option, spec in named.items()}
    read_endpoint_spec(extras.endpoint_spec)
    resources, _ = read_resources_spec("extra_host_config", host_resources)
    more, generic = read_resources_spec("extra_resources_spec", extras.resources_spec)
    return Said(
        container=_merged(list(read.values())),
        mounts=tuple((option, item) for option, words in read.items() for item in words.mounts),
        networks=read_task_spec(extras.task_spec, values),
        resources={**resources, **more},
        generic=generic,
    )


def _merged(words: list[ContainerWords]) -> ContainerWords:
    merged = ContainerWords()
    for more in words:
        merged = ContainerWords(
            entrypoint=more.entrypoint or merged.entrypoint,
            command=more.command or merged.command,
            environment={**merged.environment, **more.environment},
            working_dir=more.working_dir or merged.working_dir,
            user=more.user or merged.user,
            labels={**merged.labels, **more.labels},
            settings={**merged.settings, **more.settings},
        )
    return merged
