"""Options whose value may also be a callable that is given the spawner."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from jupyterhub.traitlets import Callable
from jupyterhub.utils import maybe_future
from traitlets import HasTraits, TraitError, TraitType, Union

from swarmhub_spawner.errors import OptionError

_MARK: Final = "may_call"


class OrCallable(Union):
    """What another trait takes, or a callable that returns it; refuses in that trait's words."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the value.

        Raises:
            TraitError: it is neither.
        """
        return value if callable(value) else self.trait_types[0]._validate(obj, value)  # noqa: SLF001  # as Union does


def or_callable(trait: TraitType[Any, Any], text: str) -> OrCallable:
    """Return an option that takes what `trait` takes, or a callable that returns it.

    The callable gets the spawner when a server starts, and may be async.
    """
    option = OrCallable([trait, Callable()], help=text)
    tagged: OrCallable = option.tag(config=True, **{_MARK: True})
    return tagged


@cache
def _names(spawner: type[HasTraits]) -> tuple[str, ...]:
    return tuple(spawner.class_trait_names(**{_MARK: True}))


async def resolve_callables(spawner: HasTraits) -> None:
    """Replace every callable among such options by what it returns for this spawner.

    Raises:
        OptionError: it returned what the option does not take.
    """
    for name in _names(type(spawner)):
        value = getattr(spawner, name)
        if not callable(value):
            continue
        found = await maybe_future(value(spawner))
        if callable(found):
            raise OptionError(f"{name}: the callable returned {found!r}; return a plain value.")
        try:
            setattr(spawner, name, found)
        except TraitError as error:
            raise OptionError(f"{name}: the callable returned {found!r}: {error}.") from error


def set_callables_aside(spawner: HasTraits) -> bool:
    """Put the default in the place of every callable among such options; tell if there was one."""
    found = [n for n in (*_names(type(spawner)), "escape") if callable(getattr(spawner, n))]
    plain = type(spawner)()
    for name in found:
        setattr(spawner, name, getattr(plain, name))
    return bool(found)
