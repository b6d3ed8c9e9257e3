"""The options of the spawner, under the names that DockerSpawner and KubeSpawner users know."""

from __future__ import annotations

import os
from typing import Any

from jupyterhub.spawner import Spawner
from jupyterhub.traitlets import Callable, Command
from swarmhub_crds.home import Reclaim
from traitlets import CaselessStrEnum, Dict, HasTraits, Integer, List, Unicode, Union, default

from swarmhub_spawner.build_spec import SECRET_PATTERNS
from swarmhub_spawner.errors import OptionError
from swarmhub_spawner.volumes import VolumeOptions


class SwarmHubOptions(HasTraits):
    """Everything that can be set as `c.SwarmHubSpawner.<name>` beyond JupyterHub's own options."""

    state_url = Unicode(
        help="""
        URL of the state database, which the spawner shares with the operator, for example
        "sqlite:////srv/swarmhub/state/state.db". Default: $SWARMHUB_STATE_URL.
        """
    ).tag(config=True)

    image = Unicode(
        help="The image of the notebooks. Default: $SWARMHUB_IMAGE.",
    ).tag(config=True)

    network_name = Unicode(
        help="""
        The overlay network that notebooks, hub, proxy and operator share.
        Default: $SWARMHUB_NETWORK.
        """
    ).tag(config=True)

    extra_networks = List(
        Unicode(),
        help="More networks that the notebooks join; the operator's policy must list them.",
    ).tag(config=True)

    volumes = Dict(
        default_value={"jupyterhub-user-{username}": "/home/jovyan/work"},
        help="""
        Named volumes and where they are mounted: {name: path} or
        {name: {"bind": path, "mode": "rw" or "ro"}}. Names and paths may use {username},
        {raw_username}, {userid}, {servername}, {raw_servername} and {user_server}. A volume whose
        name holds a field of the user is that user's home: it stays on its node and is never
        collected as garbage.
        """,
    ).tag(config=True)

    read_only_volumes = Dict(help="As `volumes`, always mounted read-only.").tag(config=True)

    volume_driver = Unicode(
        "local", help="The driver of the volumes in `volumes` and `read_only_volumes`."
    ).tag(config=True)

    volume_driver_options = Dict(
        help="Options for `volume_driver`; the values may use the fields of `volumes`."
    ).tag(config=True)

    home_reclaim = Union(
        [CaselessStrEnum([r.value for r in Reclaim]), Callable()],
        default_value=Reclaim.RETAIN.value,
        help="""
        What becomes of a home once the hub deletes its user or server: "Retain" or "Delete", or a
        callable that is given the spawner and returns one of these.
        """,
    ).tag(config=True)

    uid = Integer(
        None, allow_none=True, help="Numeric user that the notebook runs as. Default: the image's."
    ).tag(config=True)

    gid = Integer(
        None, allow_none=True, help="Numeric group that the notebook runs as; needs `uid`."
    ).tag(config=True)

    working_dir = Unicode(
        None,
        allow_none=True,
        help="Where the notebook's command starts; may use the fields of `volumes`.",
    ).tag(config=True)

    extra_labels = Dict(
        help="Labels for the notebook's service; the values may use the fields of `volumes`."
    ).tag(config=True)

    secret_environment = List(
        Unicode(),
        default_value=list(SECRET_PATTERNS),
        help="""
        Shell patterns of environment variables that never stand in a service but travel as a Swarm
        secret. The API token always does.
        """,
    ).tag(config=True)

    stop_timeout = Integer(
        60,
        min=1,
        help="""
        Seconds that the hub waits for a notebook to stop. The operator goes on stopping it after
        that.
        """,
    ).tag(config=True)

    cmd = Command(
        ["jupyterhub-singleuser"],
        help="The command of the notebook; `args` are put behind it.",
    ).tag(config=True)

    @default("state_url")
    def _default_state_url(self) -> str:
        return os.environ.get("SWARMHUB_STATE_URL", "")

    @default("image")
    def _default_image(self) -> str:
        return os.environ.get("SWARMHUB_IMAGE", "")

    @default("network_name")
    def _default_network_name(self) -> str:
        return os.environ.get("SWARMHUB_NETWORK", "")

    # Options of JupyterHub itself whose defaults do not fit a container.

    @default("env_keep")
    def _default_env_keep(self) -> list[str]:
        return []  # nothing of the hub's own environment reaches a notebook

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

    @default("poll_interval")
    def _default_poll_interval(self) -> int:
        return 10

    @classmethod
    def class_own_traits(cls, **metadata: Any) -> dict[str, Any]:
        """Return what JupyterHub's Spawner has not, for --help-all and --generate-config."""
        inherited = Spawner.class_traits(**metadata)
        own = cls.class_traits(**metadata)
        return {name: trait for name, trait in own.items() if inherited.get(name) is not trait}

    def volume_options(self) -> VolumeOptions:
        """Return the volume options as they stand for this spawner.

        Raises:
            OptionError: a callable `home_reclaim` returned something else than a policy.
        """
        wanted: Any = self.home_reclaim
        policy = wanted(self) if callable(wanted) else wanted
        if policy not in tuple(Reclaim):
            raise OptionError(f"home_reclaim: {policy!r} is not known; use 'Retain' or 'Delete'.")
        return VolumeOptions(
            volumes=self.volumes,
            read_only_volumes=self.read_only_volumes,
            driver=self.volume_driver,
            driver_options=self.volume_driver_options,
            reclaim=Reclaim(policy),
        )
