"""All options of the spawner, under the names that people know from others."""

from __future__ import annotations

import os
from typing import Any

from jupyterhub.spawner import Spawner
from traitlets import HasTraits, Integer, Unicode, default

from swarmhub_spawner.options.choices import ChoiceOptions
from swarmhub_spawner.options.container import ContainerOptions
from swarmhub_spawner.options.hooks import HookOptions
from swarmhub_spawner.options.names import NameOptions
from swarmhub_spawner.options.volumes import VolumeTraits
from swarmhub_spawner.peers.traits import PeerOptions


class HubDefaults(HasTraits):
    """Options of JupyterHub itself whose defaults do not fit a container."""

    @default("env_keep")
    def _default_env_keep(self) -> list[str]:
        return []  # nothing of the hub's own environment reaches a notebook

    @default("ssl_alt_names")
    def _default_ssl_alt_names(self) -> list[str]:
        return []  # JupyterHub's default has a user's certificate good for the hub's own names

    @default("ip")
    def _default_ip(self) -> str:
        return "0.0.0.0"  # noqa: S104  # inside the notebook's own network namespace

    @default("port")
    def _default_port(self) -> int:
        return 8888

    @default("notebook_dir")
    def _default_notebook_dir(self) -> str:
        return "/home/jovyan/work"

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        return 300

    @default("http_timeout")
    def _default_http_timeout(self) -> int:
        # Nodes tell each other all their names only every 30 seconds: for more than a minute a hub
        # whose engine has just restarted may not find servers elsewhere. Those that it does not
        # find in time it stops.
        return 300

    @default("poll_interval")
    def _default_poll_interval(self) -> int:
        return 10


class SwarmHubOptions(
    ChoiceOptions,
    VolumeTraits,
    NameOptions,
    ContainerOptions,
    HookOptions,
    HubDefaults,
    PeerOptions,  # type: ignore[misc]  # made from a table
):
    """Everything that can be set as `c.SwarmHubSpawner.<name>` beyond JupyterHub's own options."""

    state_url = Unicode(
        help="""
        URL of the state database, which the spawner shares with the operator, for example
        "sqlite:////srv/swarmhub/state/state.db". Default: $SWARMHUB_STATE_URL.
        """
    ).tag(config=True)

    stop_timeout = Integer(
        60,
        min=1,
        help="""
        Seconds that the hub waits for a notebook to stop. The operator goes on stopping it after
        that.
        """,
    ).tag(config=True)

    @default("state_url")
    def _default_state_url(self) -> str:
        return os.environ.get("SWARMHUB_STATE_URL", "")

    @classmethod
    def class_own_traits(cls, **metadata: Any) -> dict[str, Any]:
        """Return what JupyterHub's Spawner has not, for --help-all and --generate-config."""
        inherited = Spawner.class_traits(**metadata)
        own = cls.class_traits(**metadata)
        return {
            name: trait
            for name, trait in own.items()
            if inherited.get(name) is not trait and not trait.metadata.get("peer")
        }
