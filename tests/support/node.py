"""One engine, a dockerd, on a machine of its own."""

import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from docker import DockerClient
from support.janitor import Janitor
from support.machine import Machine
from support.network import Network
from support.shell import run
from support.waiting import wait_for

_LONGEST_SOCKET_PATH = 100


class Node(Machine):
    """A throw-away engine; `Cluster.add` makes them."""

    def __init__(
        self,
        name: str,
        folder: Path,
        network: Network,
        janitor: Janitor,
        config: dict[str, Any] | None = None,
        registry: str | None = None,
    ) -> None:
        super().__init__(name, folder, network, janitor, registry)
        self._config = config or {}
        self._fresh = True
        if len(str(self._socket_path)) > _LONGEST_SOCKET_PATH or folder.is_relative_to("/run"):
            raise ValueError(
                f"The engine's socket cannot be at {self._socket_path}: choose a shorter directory "
                f"outside of /run ({_LONGEST_SOCKET_PATH} characters at most)."
            )

    @property
    def _socket_path(self) -> Path:
        return self.folder / "docker.sock"

    @property
    def socket(self) -> str:
        """URL of the engine's API, usable from this machine while the node runs."""
        return f"unix://{self._socket_path}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make the docker command line use this engine, and no user's settings."""
        return {"DOCKER_HOST": self.socket, "DOCKER_CONFIG": str(self.folder / "cli")}

    def start(self, timeout: float = 60) -> None:
        """Start the engine and wait until its API answers.

        What an earlier run left in the folder, other than images, is removed first.

        Raises:
            RuntimeError: it runs already, ended, or did not answer within `timeout` seconds; the
                message holds the last lines of its log.
        """
        if self.running:
            raise RuntimeError(f"The engine of {self.name} runs already.")
        if self._outer is not None:
            self.kill()
        self._configure()
        self._switch_on()
        self._wait_until_answering(timeout)
        if self._fresh:
            self._remove_old_containers()
            self._fit_gateway_bridge()
            self._fresh = False

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._fresh:
            self.log.unlink(missing_ok=True)
            for kind in ("swarm", "network", "volumes"):
                shutil.rmtree(self.folder / "data" / kind, ignore_errors=True)
        self._socket_path.unlink(missing_ok=True)
        config = {
            # The second one is where services on this node expect their engine: /run is its own.
            "hosts": [self.socket, "unix:///run/docker.sock"],
            "data-root": str(self.folder / "data"),
            "exec-root": "/run/docker",
            "pidfile": "/run/docker.pid",
            "cgroup-parent": f"/{self.cgroup}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "mtu": self._network.path_mtu,
            "shutdown-timeout": 5,
            **self._config,
        }
        (self.folder / "daemon.json").write_text(json.dumps(config, indent=2))
        servers = "".join(f"nameserver {server}\n" for server in self._network.nameservers)
        (self.folder / "resolv.conf").write_text(servers)

    def _wait_until_answering(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self.running:
                raise RuntimeError(f"The engine of {self.name} ended.\n{self.log_tail()}")
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError(
            f"The engine of {self.name} did not answer within {timeout:g} s.\n{self.log_tail()}"
        )

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(5)
                line.connect(str(self._socket_path))
                line.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
                return b" 200 " in line.recv(64)
        except OSError:
            return False

    def _remove_old_containers(self) -> None:
        old = self.docker("ps", "--all", "--quiet").split()
        if old:
            self.docker("rm", "--force", *old, timeout=120)

    def _fit_gateway_bridge(self) -> None:
        """Make Swarm's bridge to the world with the MTU of the way out, which Swarm does not heed.

        With larger packets than the way out takes, downloads in tasks crawl.
        """
        prefix = "com.docker.network"
        options = {
            f"{prefix}.bridge.name": "docker_gwbridge",
            f"{prefix}.bridge.enable_icc": "false",
            f"{prefix}.bridge.enable_ip_masquerade": "true",
            f"{prefix}.driver.mtu": str(self._network.path_mtu),
        }
        given = [part for key, value in options.items() for part in ("--opt", f"{key}={value}")]
        self.docker("network", "create", "--driver", "bridge", *given, "docker_gwbridge")

    def stop(self, timeout: float = 40) -> None:
        """Shut the engine down in good order: it stops its containers first.

        Raises:
            RuntimeError: it did not end within `timeout` seconds, and was killed.
        """
        if self._outer is None or self._first is None:
            return
        if self._first.alive():
            os.kill(self._first.pid, signal.SIGTERM)
        try:
            self._outer.wait(timeout)
        except subprocess.TimeoutExpired:
            raise RuntimeError(
                f"The engine of {self.name} did not stop within {timeout:g} s.\n{self.log_tail()}"
            ) from None
        finally:
            self.kill()

    def log_requests(self, on: bool) -> None:
        """Have the running engine write a line of its log for each request to its API, or not.

        Raises:
            TimeoutError: it did not take notice.
        """
        path = self.folder / "daemon.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "debug": on}, indent=2))
        assert self._first is not None
        os.kill(self._first.pid, signal.SIGHUP)
        format_ = ("info", "--format", "{{.Debug}}")
        wait_for(
            f"debug of {self.name} to be {on}",
            lambda: self.docker(*format_).strip() == str(on).lower(),
        )

    def docker(
        self,
        *arguments: str,
        input: str | bytes | None = None,  # noqa: A002 - the name that subprocess uses
        timeout: float = 60,
    ) -> str:
        """Run the docker command line against this engine and return what it printed.

        Raises:
            CommandError: it failed, or did not end within `timeout` seconds.
        """
        return run("docker", *arguments, input=input, timeout=timeout, env=self.environment)

    def bury(self) -> None:
        """Take notice of an engine that the janitor has ended."""
        super().bury()
        if "client" in self.__dict__:
            self.client.close()

    @functools.cached_property
    def client(self) -> DockerClient:
        """A docker-py client of this engine."""
        return DockerClient(base_url=self.socket, version="auto", timeout=60)

    def swarm_init(self, *options: str) -> None:
        """Make this node the first manager of a new Swarm."""
        self.docker("swarm", "init", "--advertise-addr", str(self.address), *options)

    def join(self, manager: "Node", role: str = "worker") -> None:
        """Join the Swarm of another node.

        Args:
            manager: a manager of that Swarm.
            role: "worker" or "manager".
        """
        token = manager.docker("swarm", "join-token", "--quiet", role).strip()
        own = ("--advertise-addr", str(self.address), "--token", token)
        self.docker("swarm", "join", *own, f"{manager.address}:2377")

    def pid_of_container(self, container: str) -> int:
        """Find the first process of a running container of this node.

        Args:
            container: its id or name.

        Returns:
            The pid that this process may signal, that is, not the one that the engine tells.

        Raises:
            ProcessLookupError: the container does not run.
        """
        inside = self.docker("inspect", "--format", "{{.State.Pid}}", container).strip()
        return self.pid_seen_here(int(inside))
