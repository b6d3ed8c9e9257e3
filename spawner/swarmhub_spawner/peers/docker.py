"""The options of DockerSpawner and SwarmSpawner beyond JupyterHub's own."""

from __future__ import annotations

from typing import Final

from swarmhub_spawner.peers.option import PeerOption, alias, holds, refused, same

_TLS: Final = "cannot be set: the hub holds no Docker credential; the operator talks to the engine."
_NAMES: Final = (
    "cannot be chosen: a server's service is called after its record, and `swarmhub get notebooks` "
    "lists them; use extra_labels to find it in Docker."
)
_TEMPLATES: Final = (
    "",
    "{prefix}-{username}",
    "{prefix}-{username}--{servername}",
    "jupyter-{username}",
    "jupyter-{user_server}",
)
_CERTS: Final = "cannot be set: certificates of internal_ssl travel as secrets; leave it out."

DOCKER: Final[tuple[PeerOption, ...]] = (
    same("allowed_images"),
    refused("certs_volume_name", _CERTS),
    refused("client_kwargs", _TLS),
    alias("container_image", "image"),
    refused(
        "container_ip",
        "cannot be set: no port of a node is published, the proxy reaches notebooks over "
        "network_name; leave it out.",
    ),
    holds("container_name_template", *_TEMPLATES, note=_NAMES),
    alias("container_port", "port"),
    alias("container_prefix", "prefix"),
    same("cpu_limit"),
    same("escape", "A callable, or 'legacy'."),
    same("extra_container_spec", "Configs, secrets, privileges and health checks are refused."),
    same("extra_create_kwargs", "What a service can have of it; the rest is refused by name."),
    same("extra_endpoint_spec", "Ports, and a mode other than dnsrr, are refused."),
    same("extra_host_config", "What a service can have of it; the rest is refused by name."),
    same("extra_placement_spec", "Constraints and one platform; preferences are refused."),
    same("extra_resources_spec"),
    same("extra_task_spec", "Networks; the rest has options of its own or is the operator's."),
    refused(
        "format_volume_name",
        "cannot be set: names in volumes are templates; for DockerSpawner's way of writing user "
        "names set slug_scheme = 'escape', for your own set escape.",
    ),
    refused(
        "host_ip",
        "cannot be set: no port of a node is published, the proxy reaches notebooks over "
        "network_name; leave it out.",
    ),
    refused("hub_ip_connect", "cannot be set: use c.JupyterHub.hub_connect_url."),
    same("image", "May hold fields such as {username}."),
    alias("image_whitelist", "allowed_images"),
    refused(
        "links", "cannot be set: services find each other by name in their network; leave it out."
    ),
    same("mem_limit"),
    same("mounts", "In docker-py's and in the engine's spelling; volume, bind and tmpfs."),
    refused("move_certs_image", _CERTS),
    holds("name_template", *_TEMPLATES, note=_NAMES),
    same("network_name"),
    refused(
        "post_start_cmd",
        "cannot be set: the hub cannot enter a container; put it into the image's start script or "
        "before the server in cmd.",
    ),
    same("prefix", "For {prefix} in templates; services are named by the operator."),
    same("pull_policy", "'skip' is the same as 'ifnotpresent': nodes pull, the hub never does."),
    same("read_only_volumes"),
    holds(
        "remove",
        True,
        note="cannot be: a service's container is not kept when it stops; what must stay belongs "
        "into a volume.",
    ),
    holds(
        "remove_containers",
        True,
        note="cannot be: a service's container is not kept when it stops; what must stay belongs "
        "into a volume.",
    ),
    *(
        refused(name, _TLS)
        for name in (
            *("tls", "tls_assert_hostname", "tls_ca", "tls_cert", "tls_config", "tls_key"),
            "tls_verify",
        )
    ),
    holds("use_docker_client_env", True, False, note=_TLS),
    holds(
        "use_internal_hostname",
        True,
        False,
        note="means nothing here: the operator says where a notebook answers.",
    ),
    holds(
        "use_internal_ip",
        True,
        note="cannot be: the proxy reaches notebooks over network_name alone; leave it out.",
    ),
    same("volume_driver"),
    same("volume_driver_options"),
    same("volumes", "Modes rw and ro. A name that is an absolute path is a bind of the node's."),
)
