"""The options about volumes."""

from __future__ import annotations

from typing import Any, Final

from jupyterhub.traitlets import Callable
from swarmhub_crds.home import Reclaim
from traitlets import (
    Bool,
    CaselessStrEnum,
    Dict,
    HasTraits,
    List,
    TraitError,
    Unicode,
    Union,
    default,
)

from swarmhub_spawner.building.volumes import VolumeOptions
from swarmhub_spawner.options.callables import or_callable


class VolumeMap(Dict):
    """{name: path}; says what to write instead of KubeSpawner's list."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the dict.

        Raises:
            TraitError: it is something else.
        """
        if isinstance(value, list):
            raise TraitError(
                "volumes: a list of Kubernetes volumes means nothing to Docker; write "
                "{'jupyterhub-user-{username}': '/home/jovyan'}: the name of a volume and where "
                "it is mounted, which also replaces volume_mounts."
            )
        return super().validate(obj, value)


_USUAL_NAME: Final = "jupyterhub-user-{username}"
_USUAL_PATH: Final = "/home/jovyan/work"


class UsualVolumes(dict[str, Any]):
    """What is mounted if nobody says anything; what somebody mounts there takes its place."""


class VolumeTraits(HasTraits):
    """What is mounted into a notebook."""

    volumes = or_callable(
        VolumeMap(default_value={_USUAL_NAME: _USUAL_PATH}),
        """
        Volumes and where they are mounted: {name: path} or
        {name: {"bind": path, "mode": "rw" or "ro"}}. Names and paths may use {username},
        {servername}, {user_server}, {userid}, {raw_username}, {raw_servername}, {prefix} and
        {imagename}. A volume whose name holds a field of the user is that user's home: it stays
        on its node and is never collected as garbage. A name that is an absolute path is a path
        of the node, which the operator's policy must allow.
        """,
    )

    read_only_volumes = or_callable(VolumeMap(), "As `volumes`, always mounted read-only.")

    mounts = or_callable(
        List(),
        """
        More to mount, each as a dict with the keys of docker.types.Mount or of the engine's API:
        {"type": "volume", "bind" or "tmpfs", "source": name or path, "target": path}.
        """,
    )

    volume_driver = or_callable(
        Unicode("local"), "The driver of the volumes in `volumes` and `read_only_volumes`."
    )

    volume_driver_options = or_callable(
        Dict(), "Options for `volume_driver`; the values may use the fields of `volumes`."
    )

    home_reclaim = Union(
        [CaselessStrEnum([r.value for r in Reclaim]), Callable()],
        default_value=Reclaim.RETAIN.value,
        help="""
        What becomes of a home once the hub deletes its user or server: "Retain" or "Delete", or a
        callable that is given the spawner and returns one of these.
        """,
    ).tag(config=True, may_call=True)

    remember_volume_names = Bool(
        True,
        help="""
        Mount at each path the home that was mounted there before, also when the name in `volumes`,
        the prefix or the slug_scheme has been changed since. What a profile, a group, a hook or
        {imagename} chooses for a start is mounted as chosen.
        """,
    ).tag(config=True)

    @default("volumes")
    def _default_volumes(self) -> UsualVolumes:
        return UsualVolumes({_USUAL_NAME: _USUAL_PATH})

    def volume_options(self) -> VolumeOptions:
        """Return the volume options as they stand for this spawner."""
        return VolumeOptions(
            volumes=self.volumes,
            read_only_volumes=self.read_only_volumes,
            mounts=self.mounts,
            usual=_USUAL_NAME if isinstance(self.volumes, UsualVolumes) else "",
            driver=self.volume_driver or "local",
            driver_options=self.volume_driver_options,
            reclaim=Reclaim(self.home_reclaim),
        )
