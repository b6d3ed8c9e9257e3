"""The program `jupyterhub-singleuser`, without the hub's database layer.

`jupyterhub.log` imports a class of the hub's handlers and `jupyterhub.services.auth` the rules of
its scopes, and with them come the hub's tables, SQLAlchemy and alembic: two fifths of the time that
all imports take, for nothing that a single-user server uses (`python -X importtime`, JupyterHub
6.1). So something stands for them while these two are imported, and is gone afterwards: who imports
one of them later gets the real one.

The image's `install` writes this over the program of that name, below its first line.
"""

import contextlib
import gc
import importlib
import pkgutil
import sys
from types import ModuleType


class StandIn(ModuleType):
    """Stands for a module, or something in one, of which others only want the name.

    The first question for a name that it was not given ends all stand-ins and is answered by what
    it stands for: a JupyterHub that wants more of it starts as it would have, only later.
    """

    def __init__(self, name: str, **names: object) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # there may be modules in it
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what Python itself asks of a module
            raise AttributeError(name)
        dismiss()
        return getattr(pkgutil.resolve_name(self.__name__), name)


class NoSuchHandler:
    """Stands for a handler of the hub."""


class NoSuchError(Exception):
    """Stands for an error of the hub's database."""


STAND_INS = (
    StandIn("jupyterhub.orm"),
    StandIn("jupyterhub.handlers.pages", HealthCheckHandler=NoSuchHandler),
    StandIn("sqlalchemy", func=StandIn("sqlalchemy.func")),
    StandIn("sqlalchemy.exc", SQLAlchemyError=NoSuchError),
)

OBJECTS = 200_000  # that a server has which has just started


def summon() -> None:
    """Have them stand for what nobody has imported yet."""
    for stand_in in STAND_INS:
        sys.modules.setdefault(stand_in.__name__, stand_in)


def dismiss() -> None:
    """From here on modules are what they are."""
    for stand_in in STAND_INS:
        if sys.modules.get(stand_in.__name__) is stand_in:
            del sys.modules[stand_in.__name__]


def prepare() -> None:
    """Import what would import the database layer; what fails here is left to who needs it."""
    summon()
    with contextlib.suppress(Exception):
        importlib.import_module("jupyterhub.log")
        importlib.import_module("jupyterhub.services.auth")
    dismiss()


def collect_later() -> None:
    """Do without the first collections of garbage: what is imported stays, and they take a tenth.

    It is as ever after the first one, which comes when there are as many objects as after a start.
    """
    usual = gc.get_threshold()

    def as_ever(_phase: str, _info: dict[str, int]) -> None:
        gc.set_threshold(*usual)
        gc.callbacks.remove(as_ever)

    gc.callbacks.append(as_ever)
    gc.set_threshold(OBJECTS, *usual[1:])


if __name__ == "__main__":
    collect_later()
    prepare()
    sys.exit(importlib.import_module("jupyterhub.singleuser").main())
