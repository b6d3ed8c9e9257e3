"""A check of the hub's configuration, for its last line:

from swarmhub_spawner.configuration import check_config

check_config(c)
"""  # noqa: D415  # the sentence goes on in the lines below

from __future__ import annotations

from contextlib import suppress

from jupyterhub.app import JupyterHub
from traitlets import TraitError
from traitlets.config import Config

from swarmhub_spawner.errors import OptionError
from swarmhub_spawner.peers.check import problems
from swarmhub_spawner.rehearsal import rehearse
from swarmhub_spawner.spawner import SwarmHubSpawner


def spawner_of(config: Config) -> type[SwarmHubSpawner]:
    """Return the spawner's class that a configuration names, which is ours unless it says another.

    Raises:
        OptionError: it names one that is none of ours, or that cannot be had.
    """
    chosen = config.JupyterHub.get("spawner_class", SwarmHubSpawner)
    named = Config()
    named.JupyterHub.spawner_class = chosen
    try:
        found: type = JupyterHub(config=named).spawner_class
    except (TraitError, ImportError):
        found = object
    if not issubclass(found, SwarmHubSpawner):
        raise OptionError(
            f"c.JupyterHub.spawner_class = {chosen!r} is no spawner for a Swarm: leave that line "
            "out; the options of another spawner may stay."
        )
    return found


def check_config(config: Config, spawner: type[SwarmHubSpawner] | None = None) -> None:
    """Look through all that is set for the spawner, also in the sections of those it replaces.

    If each option can be set, starts are tried with each profile, choice and group override.

    Raises:
        OptionError: something of it cannot be carried out; each in a line of its own, with what
            to do instead.
    """
    if spawner is None:
        with suppress(OptionError):
            spawner = spawner_of(config)
    spawner = spawner or SwarmHubSpawner
    found = list(problems(config, spawner.section_names(), spawner))
    if not found:
        found = [f"c.{spawner.__name__}.{said}" for said in rehearse(config, spawner)]
    if found:
        raise OptionError("The options of the spawner need changes:\n" + "\n".join(found))
