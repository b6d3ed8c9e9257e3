"""One engine, as a machine of its own: a dockerd in its own network, mount, uts and pid namespaces.

Nothing of a node outlives the first process of its pid namespace: containers, mounts, interfaces
and the network namespace go with it, as they do when a machine loses power. Starting a node again
makes its namespaces anew, with the same address and the same data.
"""

import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from docker import DockerClient
from support import links
from support.janitor import Janitor
from support.network import Network
from support.processes import ProcessId, children
from support.shell import run

_BOOT = Path(__file__).with_name("boot.sh")
_LONGEST_SOCKET_PATH = 100


class Node:
    """A throw-away engine; `Cluster.add` makes them.

    Attributes:
        name: the host name inside, and Swarm's name of the node.
        address: its address in the cluster's network, reachable from this machine.
        folder: holds the engine's data, log, configuration and socket.
        cgroup: the control group in which its containers run.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        network: Network,
        janitor: Janitor,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.address: IPv4Address = network.next_address()
        self.cgroup = f"{network.bridge}-{name}"
        self._network = network
        self._janitor = janitor
        self._link = f"{network.bridge}-{self.address.packed[-1]}"
        self._outer: subprocess.Popen[bytes] | None = None
        self._first: ProcessId | None = None
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

    @property
    def log(self) -> Path:
        """File with the engine's log of all its starts."""
        return self.folder / "dockerd.log"

    @property
    def running(self) -> bool:
        """Whether the engine's process exists."""
        return self._outer is not None and self._outer.poll() is None

    # Life

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
        self._launch()
        self._wait_until_answering(timeout)
        if self._fresh:
            self._remove_old_containers()
            self._fit_gateway_bridge()
            self._fresh = False

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._fresh:
            for kind in ("swarm", "network", "volumes"):
                shutil.rmtree(self.folder / "data" / kind, ignore_errors=True)
        self._socket_path.unlink(missing_ok=True)
        config = {
            "hosts": [self.socket],
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

    def _launch(self) -> None:
        network = self._network
        unshare = "unshare --net --mount --uts --pid --fork --kill-child --mount-proc"
        address = f"{self.address}/{network.subnet.prefixlen}"
        boot = [str(_BOOT), str(self.folder), self.name, address, str(network.gateway)]
        with self.log.open("ab") as log:
            # An engine as first process of its namespace would not reap orphans; docker-init does.
            self._outer = subprocess.Popen(
                [*unshare.split(), "docker-init", "--", "sh", *boot, str(network.path_mtu)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        outer = ProcessId.of(self._outer.pid)
        self._janitor.remember(f"{self.name}'s cgroup", "rmcgroup", self.cgroup)
        self._janitor.remember(
            f"{self.name}'s engine", "end", *map(str, (outer.pid, outer.started))
        )
        self._first = self._first_process()
        first = self._first
        self._janitor.remember(f"{self.name}'s init", "end", *map(str, (first.pid, first.started)))
        self._connect(first.pid)
        assert self._outer.stdin is not None
        with self._outer.stdin as go:
            go.write(b"\n")

    def _first_process(self, timeout: float = 10) -> ProcessId:
        assert self._outer is not None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._outer.poll() is None:
            for pid in children(self._outer.pid):
                with contextlib.suppress(ProcessLookupError):
                    return ProcessId.of(pid)
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} got no namespaces of its own.\n{self.log_tail()}")

    def _connect(self, pid: int) -> None:
        """Lay a cable from the bridge to the node; a fixed MAC spares the others' ARP caches."""
        mac = "02:73:" + ":".join(f"{byte:02x}" for byte in self.address.packed)
        self._janitor.remember(f"{self.name}'s link", "rmlink", self._link)
        peer = ("peer", "name", "eth0", "address", mac, "netns", str(pid))
        run("ip", "link", "add", self._link, "type", "veth", *peer)
        run("ip", "link", "set", self._link, "master", self._network.bridge, "up")

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
        with contextlib.suppress(ProcessLookupError):
            self._signal_first(signal.SIGTERM)
        try:
            self._outer.wait(timeout)
        except subprocess.TimeoutExpired:
            raise RuntimeError(
                f"The engine of {self.name} did not stop within {timeout:g} s.\n{self.log_tail()}"
            ) from None
        finally:
            self.kill()

    def _signal_first(self, number: int) -> None:
        if self._first is not None and self._first.alive():
            os.kill(self._first.pid, number)

    def kill(self) -> None:
        """Take its power away: engine, containers, mounts and network end at once."""
        if self._outer is None:
            return
        if self._first is not None:
            self._first.end()
        self._outer.kill()
        self._outer.wait(20)
        links.remove(self._link)
        for part in ("engine", "init", "link"):
            self._janitor.forget(f"{self.name}'s {part}")
        self._outer = self._first = None

    def bury(self) -> None:
        """Take notice of an engine that the janitor has ended."""
        if self._outer is not None:
            self._outer.wait(20)
        self._outer = self._first = None

    def cut_off(self) -> None:
        """Pull its network cable; the socket still answers on this machine."""
        run("ip", "link", "set", self._link, "down")

    def heal(self) -> None:
        """Plug the network cable in again."""
        run("ip", "link", "set", self._link, "up")

    # Use

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

    def run_inside(self, *argv: str, timeout: float = 30) -> str:
        """Run a program of this machine inside the node's namespaces and return what it printed.

        Raises:
            CommandError: it failed, or did not end within `timeout` seconds.
        """
        if self._first is None:
            raise RuntimeError(f"{self.name} does not run.")
        enter = ("nsenter", "--target", str(self._first.pid), "--net", "--mount", "--uts", "--pid")
        return run(*enter, *argv, timeout=timeout)

    def pid_of_container(self, container: str) -> int:
        """Find the first process of a running container of this node.

        Args:
            container: its id or name.

        Returns:
            The pid that this process may signal, that is, not the one that the engine tells.

        Raises:
            ProcessLookupError: the container does not run.
        """
        if self._first is None:
            raise ProcessLookupError(f"{self.name} does not run.")
        inside = self.docker("inspect", "--format", "{{.State.Pid}}", container).strip()
        seen_inside = Path(f"/proc/{self._first.pid}/root/proc/{inside}/ns/pid")
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "ns/pid").readlink() == seen_inside.readlink() and (
                    _pid_in_node(entry) == inside
                ):
                    return int(entry.name)
        raise ProcessLookupError(f"Container {container} of {self.name} does not run.")

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines of the engine's log."""
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            return "It has written no log."
        return "\n".join(text.splitlines()[-lines:])


def _pid_in_node(entry: Path) -> str:
    """The pid that a node's engine knows a process of this machine by."""
    for line in (entry / "status").read_text().splitlines():
        if line.startswith("NSpid:"):
            numbers = line.split()[1:]
            return numbers[1] if len(numbers) > 1 else ""
    return ""
