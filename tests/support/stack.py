"""The whole product on a throw-away engine, put there by the script that users run."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.hub import HubUser
from support.node import Node
from support.shell import run
from support.tiny import load_tiny

BIN = Path(__file__).parents[2] / "images" / "bin"
_URL = re.compile(r"^JupyterHub is at (\S+)$", re.MULTILINE)
_PASSWORDS = {
    "admin": re.compile(r"^ +administrator +admin +(\S+)$", re.MULTILINE),
    "user": re.compile(r"^ +anybody else +any name +(\S+)$", re.MULTILINE),
}
_SHOWN_LINES = 40


@dataclass(frozen=True)
class HubStack:
    """A running swarmhub.

    Attributes:
        url: where a browser on this machine reaches it.
        admin_password: of the user admin.
        user_password: of everybody else.
        engine: the manager on which it runs.
        tiny: an image with busybox that is on the engine, for services of strangers.
    """

    url: str
    admin_password: str
    user_password: str
    engine: Node
    tiny: str

    def login(self, name: str) -> HubUser:
        """Log in; "admin" is the administrator, any other name somebody else."""
        password = self.admin_password if name == "admin" else self.user_password
        return HubUser.login(self.url, name, password)

    def up(self, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `images/bin/up` once more, with settings as `make up NAME=value` takes them."""
        address = {"SWARMHUB_ADDRESS": str(self.engine.address)}
        return script("up", {**self.engine.environment, **address, **settings})

    def up_again(self) -> None:
        """Run `images/bin/up` once more after the Swarm has changed.

        Raises:
            RuntimeError: it failed; the message holds its last lines.
        """
        done = self.up()
        if done.returncode != 0:
            raise RuntimeError(f"images/bin/up failed.\n{_tail(done.stdout)}")

    def swarmhub(self, *arguments: str, timeout: float = 30) -> str:
        """Run the swarmhub command line and return what it printed.

        Raises:
            CommandError: it failed, or did not end within `timeout` seconds.
        """
        return run(str(BIN / "swarmhub"), *arguments, timeout=timeout, env=self.engine.environment)

    def pipe(
        self, *arguments: str, given: bytes = b"", timeout: float = 120
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the swarmhub command line between two pipes and return how it ended, whatever way.

        Args:
            arguments: of the command.
            given: to its standard input.
            timeout: seconds.
        """
        return subprocess.run(
            [str(BIN / "swarmhub"), *arguments],
            input=given,
            capture_output=True,
            env={**os.environ, **self.engine.environment},
            timeout=timeout,
            check=False,
        )


def script(
    name: str, environment: Mapping[str, str], timeout: float = 600, *, words: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts behind the Makefile and return how it ended and what it said.

    Args:
        name: up, down, status or swarmhub.
        environment: points the docker command at an engine, and holds what `make NAME=value` gives.
        timeout: seconds.
        words: arguments.
    """
    return subprocess.run(
        [str(BIN / name), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        timeout=timeout,
        check=False,
    )


def bring_up(
    engine: Node, log: Path, site: Mapping[str, str] | None = None, timeout: float = 1800
) -> HubStack:
    """Run `images/bin/up` on an engine and return what it made.

    Args:
        engine: a manager without a swarmhub.
        log: takes the script's output, line by line.
        site: more environment for the script: HUB_CONFIG, OPERATOR_POLICY.
        timeout: seconds, enough for building every image from nothing.

    Raises:
        RuntimeError: it failed, took too long, or did not print how to log in; the message holds
            its last lines.
    """
    said = _run_script(engine, log, site or {}, timeout)
    url, admin, user = (
        pattern.search(said) for pattern in (_URL, _PASSWORDS["admin"], _PASSWORDS["user"])
    )
    if url is None or admin is None or user is None:
        raise RuntimeError(f"images/bin/up did not print a URL and two passwords.\n{_tail(said)}")
    return HubStack(url[1], admin[1], user[1], engine, load_tiny(engine))


def _run_script(engine: Node, log: Path, site: Mapping[str, str], timeout: float) -> str:
    address = {"SWARMHUB_ADDRESS": str(engine.address)}
    script = subprocess.Popen(
        [str(BIN / "up")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **engine.environment, **address, **site},
        start_new_session=True,
    )
    expired = threading.Event()

    def end() -> None:
        expired.set()
        os.killpg(script.pid, signal.SIGTERM)

    late = threading.Timer(timeout, end)
    late.start()
    try:
        said = _copy_lines(script, log)
    finally:
        late.cancel()
    if expired.is_set():
        raise RuntimeError(f"images/bin/up did not end within {timeout:g} s.\n{_tail(said)}")
    if script.returncode != 0:
        raise RuntimeError(
            f"images/bin/up ended with status {script.returncode}; all it said is in {log}.\n"
            f"{_tail(said)}"
        )
    return said


def _copy_lines(script: subprocess.Popen[str], log: Path) -> str:
    said = []
    with script, log.open("w") as copy:
        assert script.stdout is not None
        for line in script.stdout:
            said.append(line)
            copy.write(line)
            copy.flush()
    return "".join(said)


def _tail(said: str) -> str:
    return "\n".join(said.splitlines()[-_SHOWN_LINES:])
