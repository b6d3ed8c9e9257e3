"""Network interfaces of this machine."""

from pathlib import Path

from support.shell import CommandError, run


def exists(name: str) -> bool:
    """Tell whether this machine has an interface of that name."""
    return Path("/sys/class/net", name).exists()


def remove(name: str) -> None:
    """Remove an interface; one that has gone already, with its namespace, is no error.

    Raises:
        CommandError: it is still there.
    """
    try:
        run("ip", "link", "del", name)
    except CommandError:
        if exists(name):
            raise
