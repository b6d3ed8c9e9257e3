"""Whether policy allows what a record asks: records are hostile input."""

from __future__ import annotations

from fnmatch import fnmatchcase

from swarmhub_crds.notebook import Mount, NotebookSpec

from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine import labels

_RESERVED = labels.STORE.partition(".")[0] + "."


def refusal(spec: NotebookSpec, policy: Policy, network: str) -> str | None:
    """Return why the policy refuses `spec`, in one sentence, or None when it is allowed.

    Args:
        spec: what the hub wrote.
        policy: what the administrator allows.
        network: the notebooks' network, which is always allowed.
    """
    if not any(fnmatchcase(spec.image, pattern) for pattern in policy.allowed_images):
        return (
            f"The image {spec.image} is not allowed here; "
            "choose another one or ask the administrator to allow it."
        )
    allowed = {network, *policy.allowed_networks}
    for name in spec.networks:
        if name not in allowed:
            return (
                f"The network {name} is not allowed for notebooks; "
                "ask the administrator to add it to the operator's policy."
            )
    for label in spec.labels:
        if label.startswith((_RESERVED, "com.docker.")):
            return f"The label {label} is reserved; take it out of the spawner's extra_labels."
    return next((why for why in (_mount_refusal(m, policy) for m in spec.mounts) if why), None)


def _mount_refusal(mount: Mount, policy: Policy) -> str | None:
    if not any(fnmatchcase(mount.volume, pattern) for pattern in policy.allowed_volumes):
        return (
            f"The volume {mount.volume} is not allowed for notebooks; "
            "ask the administrator to add it to allowed_volumes in the operator's policy."
        )
    if mount.driver not in policy.allowed_volume_drivers:
        return (
            f"The volume driver {mount.driver} (volume {mount.volume}) is not allowed; "
            "ask the administrator to add it to the operator's policy."
        )
    if mount.driver_options and not policy.allow_volume_options:
        return (
            f"Driver options for the volume {mount.volume} are not allowed, since they can reach "
            "the host's files; ask the administrator to allow them in the operator's policy."
        )
    return None
