"""Commands that name the version of an object that they have read."""

from support.node import Node
from support.shell import CommandError
from support.waiting import wait_for


def in_sequence(manager: Node, *command: str) -> None:
    """Run a docker command; to one that has read an older version, the engine says so.

    It says "update out of sequence", as it is meant to, if Swarm itself has written meanwhile; who
    is told so reads anew.

    Raises:
        CommandError: the engine refuses for another reason.
        TimeoutError: somebody else changes the object all the time.
    """

    def taken() -> bool:
        try:
            manager.docker(*command)
        except CommandError as error:
            if "update out of sequence" not in str(error):
                raise
            return False
        return True

    wait_for(f"`docker {' '.join(command)}` to be taken", taken, timeout=30)
