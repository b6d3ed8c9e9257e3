"""The options of KubeSpawner beyond JupyterHub's own."""

from __future__ import annotations

from typing import Any, Final

from swarmhub_crds.home import Reclaim

from swarmhub_spawner.peers.option import PeerOption, alias, holds, refused, same

_API: Final = "cannot be set: there is no Kubernetes API here; leave it out."
_NAMESPACES: Final = "cannot be set: a Swarm has no namespaces; leave it out."
_POD: Final = "cannot be set: there is no pod; use extra_container_spec and modify_record_hook."
_SECURITY: Final = (
    "cannot be set: use uid, gid, supplemental_gids and extra_container_spec (cap_add, cap_drop, "
    "read_only); the operator's policy hardens notebooks."
)
_AFFINITY: Final = (
    "cannot be set: say what a node must be in node_selector or "
    "extra_placement_spec = {'constraints': ['node.labels.disk==ssd']}."
)
_APART: Final = (
    "cannot be set: a Swarm keeps no two services together or apart; label nodes and use "
    "node_selector."
)
_VOLUME: Final = (
    "cannot be set: Docker's volumes carry no such thing; use volume_driver and "
    "volume_driver_options."
)
_CONTAINERS: Final = (
    "cannot be set: a notebook has one container; put it into the image, or run it as a service "
    "of its own in the notebooks' network."
)
_CONNECT: Final = "cannot be set: use c.JupyterHub.hub_connect_url."
_NAMES: Final = (
    "cannot be chosen: a server's service is called after its record, and `swarmhub get notebooks` "
    "lists them; use extra_labels to find it in Docker."
)


def _reclaim(delete: Any) -> Any:
    return (Reclaim.DELETE if delete else Reclaim.RETAIN).value


KUBE: Final[tuple[PeerOption, ...]] = (
    same("additional_profile_form_template_paths"),
    refused(
        "after_pod_created_hook",
        "cannot be set: there is no pod; use after_record_written_hook(spawner, notebook).",
    ),
    holds(
        "allow_privilege_escalation",
        False,
        None,
        note="cannot be set by a hub: whether a program may gain privileges is the operator's "
        "policy; leave it out.",
    ),
    holds("automount_service_account_token", False, None, note=_API),
    same("cmd"),
    refused("common_labels", "cannot be set: use extra_labels."),
    refused("component_label", "cannot be set: use extra_labels."),
    refused("container_security_context", _SECURITY),
    same("delete_grace_period", "Default: the operator's, not one second."),
    alias(
        "delete_pvc",
        "home_reclaim",
        "True is 'Delete', False 'Retain'. Default: False, not True.",
        convert=_reclaim,
    ),
    holds(
        "delete_stopped_pods",
        True,
        note="cannot be: a stopped notebook leaves no container; its last log lines are in "
        "`swarmhub describe notebook`.",
    ),
    refused("dns_name_template", _NAMES),
    holds("enable_user_namespaces", False, note=_NAMESPACES),
    same("events_enabled"),
    refused("extra_annotations", "cannot be set: Docker has labels alone; use extra_labels."),
    refused("extra_container_config", "cannot be set: use extra_container_spec."),
    refused("extra_containers", _CONTAINERS),
    same("extra_labels"),
    refused("extra_pod_config", _POD),
    same("extra_resource_guarantees", "What is behind the last '/' is the node's name for it."),
    same("extra_resource_limits", "A limit is a guarantee: Swarm limits no generic resource."),
    refused(
        "fs_gid",
        "cannot be set: Docker changes the owner of no volume; use supplemental_gids, and prepare "
        "the volume once.",
    ),
    refused("get_pod_url", "cannot be set: the operator says where a notebook answers."),
    same("gid", "Needs uid."),
    holds("handle_legacy_names", True, False, note="means nothing here; use slug_scheme."),
    refused("hub_connect_ip", _CONNECT),
    refused("hub_connect_port", _CONNECT),
    same("image", "May hold fields such as {username}."),
    alias("image_pull_policy", "pull_policy"),
    refused(
        "image_pull_secrets",
        "cannot be set: the operator alone holds the credentials of registries; leave it out.",
    ),
    refused("init_containers", _CONTAINERS),
    same("ip"),
    *(
        refused(name, _API)
        for name in (
            *("k8s_api_host", "k8s_api_request_retry_timeout", "k8s_api_request_timeout"),
            *("k8s_api_ssl_ca_cert", "k8s_api_threadpool_workers", "k8s_api_verify_ssl"),
        )
    ),
    refused(
        "lifecycle_hooks",
        "cannot be set: put what is to be done first into the image's start script or cmd, or into "
        "pre_spawn_hook; what is to be done last into post_stop_hook.",
    ),
    refused(
        "modify_pod_hook",
        "cannot be set: there is no pod; use modify_record_hook(spawner, spec), which returns the "
        "spec to write.",
    ),
    refused("namespace", _NAMESPACES),
    refused("node_affinity_preferred", _AFFINITY),
    refused("node_affinity_required", _AFFINITY),
    same("node_selector"),
    refused("pod_affinity_preferred", _APART),
    refused("pod_affinity_required", _APART),
    refused("pod_anti_affinity_preferred", _APART),
    refused("pod_anti_affinity_required", _APART),
    refused("pod_connect_ip", "cannot be set: the operator says where a notebook answers."),
    holds("pod_name_template", "", "jupyter-{user_server}", "jupyter-{username}", note=_NAMES),
    refused("pod_security_context", _SECURITY),
    refused("priority_class_name", "cannot be set: a Swarm knows no priorities; leave it out."),
    holds(
        "privileged",
        False,
        None,
        note="cannot be in a Swarm; name what is needed in extra_container_spec['cap_add'].",
    ),
    same("profile_form_template", "Its data: profile_list, user_options, unlisted."),
    same("profile_list", "Overrides as spawner_override or kubespawner_override."),
    refused(
        "pvc_name_template",
        "cannot be set: give the name in volumes = {'jupyterhub-user-{username}': '/home/jovyan'}.",
    ),
    alias("remember_pvc_name", "remember_volume_names"),
    refused("scheduler_name", _API),
    refused("secret_mount_path", "cannot be set: certificates of internal_ssl travel as secrets."),
    refused("secret_name_template", "cannot be set: the operator names its secrets."),
    refused("service_account", _API),
    holds("services_enabled", False, True, note="means nothing: every notebook is a service."),
    same("slow_spawn_message", "Default: empty, since the page tells what a start waits for."),
    same("slow_spawn_message_frequency"),
    same("slow_spawn_message_threshold"),
    same("slug_scheme"),
    refused("storage_access_modes", _VOLUME),
    refused(
        "storage_capacity",
        "cannot be set: Docker's local volumes have no size; use a volume_driver that gives one, "
        "by volume_driver_options.",
    ),
    refused("storage_class", "cannot be set: use volume_driver and volume_driver_options."),
    refused("storage_extra_annotations", _VOLUME),
    refused("storage_extra_labels", _VOLUME),
    holds(
        "storage_pvc_ensure",
        True,
        note="cannot be: a volume is made with the first notebook that mounts it; for none, set "
        "volumes = {}.",
    ),
    refused("storage_selector", _VOLUME),
    same("supplemental_gids"),
    refused(
        "tolerations",
        "cannot be set: a Swarm has no taints; label the nodes and use node_selector, or take one "
        "out of service by `swarmhub cordon`.",
    ),
    same("uid"),
    refused("user_namespace_annotations", _NAMESPACES),
    refused("user_namespace_labels", _NAMESPACES),
    refused("user_namespace_template", _NAMESPACES),
    refused(
        "volume_mounts",
        "cannot be set: volumes says both, {'jupyterhub-user-{username}': '/home/jovyan'}: the "
        "name of a volume and where it is mounted.",
    ),
    same("volumes", "As DockerSpawner's dict; Kubernetes' list of volumes is refused."),
    same("working_dir"),
)
