"""Options of other spawners as options of ours: those of another name, and those refused."""

from __future__ import annotations

from typing import Any

from traitlets import HasTraits, MetaHasTraits, TraitError, TraitType

from swarmhub_spawner.peers.docker import DOCKER
from swarmhub_spawner.peers.kube import KUBE
from swarmhub_spawner.peers.option import Fate, PeerOption

BY_NAME = {option.name: option for option in (*DOCKER, *KUBE) if option.fate is not Fate.SAME}


class OtherName(TraitType[Any, Any]):
    """An option that sets and reads another one."""

    def __init__(self, option: PeerOption) -> None:
        super().__init__(help=f"Another name of {option.ours}.")
        self._option = option

    def get(self, obj: HasTraits, cls: Any = None) -> Any:  # noqa: ARG002  # traitlets' signature
        """Return the other option's value."""
        return getattr(obj, self._option.ours)

    def set(self, obj: HasTraits, value: Any) -> None:
        """Set the other option."""
        setattr(obj, self._option.ours, self._option.convert(value))


class Refused(TraitType[Any, Any]):
    """An option that cannot be set to anything but what holds anyway."""

    default_value = None

    def __init__(self, option: PeerOption) -> None:
        super().__init__(None, allow_none=True, help=f"{option.name} {option.note}")
        self._option = option

    def validate(self, obj: Any, value: Any) -> Any:  # noqa: ARG002  # traitlets' signature
        """Return the value.

        Raises:
            TraitError: it cannot be; the sentence says what to do instead.
        """
        if not any(type(value) is type(plain) and value == plain for plain in self._option.plain):
            raise TraitError(refusal(self._option, value))
        return value


def refusal(option: PeerOption, value: Any) -> str:
    """Return the sentence that refuses a value of an option."""
    shown = "" if option.fate is Fate.REFUSED else f" = {value!r}"
    return f"{option.name}{shown} {option.note}"


def _trait(option: PeerOption) -> TraitType[Any, Any]:
    made = OtherName(option) if option.fate is Fate.ALIAS else Refused(option)
    return made.tag(config=True, peer=True)


PeerOptions: Any = MetaHasTraits(
    "PeerOptions", (HasTraits,), {name: _trait(option) for name, option in BY_NAME.items()}
)
