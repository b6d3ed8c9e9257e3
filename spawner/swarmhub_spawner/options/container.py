"""The options about the container and its service."""

from __future__ import annotations

import os
from typing import Any

from jupyterhub.traitlets import Command
from traitlets import Dict, Float, Integer, List, TraitError, Unicode, default

from swarmhub_spawner.building.environment import SECRET_PATTERNS
from swarmhub_spawner.building.extras import Extras
from swarmhub_spawner.options.callables import or_callable
from swarmhub_spawner.options.nodes import NodeOptions


class ServerCommand(Command):  # type: ignore[misc]  # JupyterHub has no types
    """A command line; says what to write where others leave it to the image."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return it as a list.

        Raises:
            TraitError: it is empty or no command line.
        """
        if not value:
            raise TraitError(
                f"cmd = {value!r}, the image's own command, cannot be: what reads the server's "
                "secrets is put before it, and a Swarm does not tell it. Write it down, for "
                "example ['start-notebook.py'], or leave the line out."
            )
        return super().validate(obj, value)


class ContainerOptions(NodeOptions):
    """As whom, where and with what settings the command runs."""

    cmd = ServerCommand(
        ["jupyterhub-singleuser"],
        help="The command of the notebook; `args` are put behind it.",
    ).tag(config=True)

    network_name = Unicode(
        help="""
        The overlay network that notebooks, hub, proxy and operator share.
        Default: $SWARMHUB_NETWORK.
        """
    ).tag(config=True)

    extra_networks = or_callable(
        List(Unicode()),
        "More networks that the notebooks join; the operator's policy must list them.",
    )

    uid = or_callable(
        Integer(None, allow_none=True),
        "Numeric user that the notebook runs as. Default: the image's.",
    )

    gid = or_callable(
        Integer(None, allow_none=True),
        "Numeric group that the notebook runs as; needs `uid`.",
    )

    supplemental_gids = or_callable(
        List(), "Numeric groups that the notebook's user is in besides; the policy may forbid them."
    )

    working_dir = or_callable(
        Unicode(None, allow_none=True),
        "Where the notebook's command starts; may use the fields of `volumes`.",
    )

    extra_labels = or_callable(
        Dict(),
        "Labels for the notebook's service; the values may use the fields of `volumes`.",
    )

    secret_environment = List(
        Unicode(),
        default_value=list(SECRET_PATTERNS),
        help="""
        Shell patterns of environment variables that never stand in a service but travel as a Swarm
        secret. The API token always does.
        """,
    ).tag(config=True)

    delete_grace_period = Float(
        None,
        allow_none=True,
        min=0,
        help="""
        Seconds that a notebook has to end by itself when it is stopped; then it is killed. Default:
        the engine's, 10 seconds.
        """,
    ).tag(config=True)

    extra_container_spec = or_callable(
        Dict(),
        """
        As keywords of docker.types.ContainerSpec, for example {"hostname": "lab-{username}",
        "init": True, "cap_drop": ["ALL"]}; may use the fields of `volumes`. The operator's policy
        says what of it is allowed.
        """,
    )

    extra_task_spec = or_callable(
        Dict(), 'As keywords of docker.types.TaskTemplate: {"networks": [...]}.'
    )

    extra_endpoint_spec = or_callable(
        Dict(),
        'As keywords of docker.types.EndpointSpec: {"mode": "dnsrr"}, which holds anyway.',
    )

    extra_create_kwargs = or_callable(
        Dict(),
        """
        As keywords of docker-py's create_container, such as {"user": "1000"}; what a service can
        have of it.
        """,
    )

    extra_host_config = or_callable(
        Dict(),
        """
        As keywords of docker-py's create_host_config, such as {"shm_size": "1g"}; what a service
        can have of it.
        """,
    )

    @default("network_name")
    def _default_network_name(self) -> str:
        return os.environ.get("SWARMHUB_NETWORK", "")

    def extras(self) -> Extras:
        """Return the options in Docker's own words as they stand for this spawner."""
        return Extras(
            container_spec=self.extra_container_spec,
            task_spec=self.extra_task_spec,
            endpoint_spec=self.extra_endpoint_spec,
            resources_spec=self.extra_resources_spec,
            create_kwargs=self.extra_create_kwargs,
            host_config=self.extra_host_config,
        )
