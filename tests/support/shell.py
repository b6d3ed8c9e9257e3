"""Run one command, bounded in time, with an error that tells what the command said."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence


class CommandError(RuntimeError):
    """A command failed or took too long.

    Attributes:
        argv: the command.
        returncode: its exit status; None when it ran into the time-out.
        stdout: what it printed.
        stderr: what it complained about.
    """

    def __init__(
        self, argv: Sequence[str], returncode: int | None, stdout: str, stderr: str, timeout: float
    ) -> None:
        self.argv = list(argv)
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        fate = (
            f"did not end within {timeout:g} s"
            if returncode is None
            else f"ended with status {returncode}"
        )
        said = stderr.strip() or stdout.strip() or "it printed nothing"
        super().__init__(f"`{' '.join(argv)}` {fate}: {said}")


def run(
    *argv: str,
    input: str | bytes | None = None,  # noqa: A002 - the name that subprocess uses
    timeout: float = 30,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command and return what it printed.

    Args:
        argv: program and arguments; no shell is involved.
        input: given to the program's standard input, which is empty otherwise.
        timeout: seconds after which the program is killed.
        env: added to this process's environment.

    Raises:
        CommandError: the program failed or took too long.
    """
    given = input.encode() if isinstance(input, str) else input
    try:
        done = subprocess.run(
            argv,
            input=given if given is not None else b"",
            capture_output=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandError(argv, None, _text(late.stdout), _text(late.stderr), timeout) from None
    if done.returncode != 0:
        raise CommandError(argv, done.returncode, _text(done.stdout), _text(done.stderr), timeout)
    return _text(done.stdout)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")


def require_programs(*names: str) -> None:
    """Check that programs are installed.

    Raises:
        RuntimeError: names what is missing and how to get it.
    """
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise RuntimeError(
            f"Cannot start a throw-away engine because {', '.join(missing)} is not installed: "
            "run `tests/support/prepare engine`."
        )


def require_root() -> None:
    """Check that this process may make namespaces and bridges.

    Raises:
        RuntimeError: it runs as another user than root.
    """
    if os.geteuid() != 0:
        raise RuntimeError("Throw-away engines need root: run the same command with sudo.")
