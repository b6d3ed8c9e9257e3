"""A bridge with a private subnet on this machine, and its way out to the world."""

import ipaddress
import itertools
import json
import secrets
from pathlib import Path

from support import forwarding
from support.janitor import Janitor
from support.shell import run

_ATTEMPTS = 200


class Network:
    """The network that joins the nodes of one cluster.

    Attributes:
        bridge: the interface's name, random, at most nine characters.
        subnet: a private /24 that overlaps no route of this machine.
        gateway: the bridge's own address, through which the nodes reach the world.
        path_mtu: the largest packet that leaves this machine whole.
        nameservers: what the nodes ask for names.
    """

    def __init__(self, janitor: Janitor) -> None:
        self.bridge = f"swh{secrets.token_hex(3)}"
        self.nameservers = _nameservers()
        self.subnet = _free_subnet(self.nameservers)
        self.gateway = self.subnet[1]
        self.path_mtu = _path_mtu()
        self._janitor = janitor
        self._hosts = itertools.islice(self.subnet.hosts(), 1, None)
        self._make()

    def _make(self) -> None:
        self._janitor.remember("the bridge", "rmlink", self.bridge)
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", f"{self.gateway}/{self.subnet.prefixlen}", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        self._janitor.remember("IPv4 forwarding", "forwarding", self.bridge)
        forwarding.acquire(self.bridge)
        for table, chain, *rule in self._rules():
            tool = ("iptables", "--wait", "10", "--table", table)
            run(*tool, "--insert", chain, *rule)
            key = f"the rule {table} {chain} {' '.join(rule)}"
            self._janitor.remember(key, "run", *tool, "--delete", chain, *rule)

    def _rules(self) -> list[tuple[str, ...]]:
        subnet = str(self.subnet)
        away = ("--source", subnet, "!", "--out-interface", self.bridge)
        return [
            ("nat", "POSTROUTING", *away, "--jump", "MASQUERADE"),
            ("filter", "FORWARD", "--in-interface", self.bridge, "--jump", "ACCEPT"),
            ("filter", "FORWARD", "--out-interface", self.bridge, "--jump", "ACCEPT"),
        ]

    def next_address(self) -> ipaddress.IPv4Address:
        """Give out an address that no node has had yet."""
        return next(self._hosts)


def _nameservers() -> list[str]:
    """What this machine asks for names, without servers that only it can reach.

    Raises:
        RuntimeError: there are only servers on a loopback address.
    """
    seen: list[str] = []
    for source in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        if not source.exists():
            continue
        words = [line.split() for line in source.read_text().splitlines()]
        seen += [line[1] for line in words if line[:1] == ["nameserver"] and line[1:]]
        usable = [server for server in seen if _reachable_through_nat(server)]
        if usable:
            return usable
    raise RuntimeError(
        f"The name servers of this machine ({', '.join(seen) or 'none'}) cannot be reached from "
        "another network namespace: put one with a routable IPv4 address into /etc/resolv.conf."
    )


def _reachable_through_nat(server: str) -> bool:
    address = ipaddress.ip_address(server.partition("%")[0])
    return address.version == 4 and not address.is_loopback


def _free_subnet(nameservers: list[str]) -> ipaddress.IPv4Network:
    taken = [ipaddress.ip_network(server) for server in nameservers]
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    known = (route["dst"] for route in routes if route["dst"] != "default")
    taken += [ipaddress.ip_network(destination, strict=False) for destination in known]
    for _ in range(_ATTEMPTS):
        # Swarm gives its overlay networks 10.0.x.0/24 from below, the stack asks for 10.213.0.0/20.
        second, third = 64 + secrets.randbelow(136), secrets.randbelow(256)
        subnet = ipaddress.IPv4Network(f"10.{second}.{third}.0/24")
        if not any(subnet.overlaps(other) for other in taken if other.version == 4):
            return subnet
    raise RuntimeError(
        "No subnet from 10.64.0.0 to 10.199.255.0 is free on this machine: remove unused routes."
    )


def _path_mtu() -> int:
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "default"))
    if not routes:
        return 1500
    return min(1500, int(Path("/sys/class/net", routes[0]["dev"], "mtu").read_text()))
