"""Can the Swarm be asked and steered: the engine, its part in the Swarm, and the managers' vote."""

from __future__ import annotations

from swarmhub_operator.doctor.facts import Facts, Missing
from swarmhub_operator.doctor.finding import Check, Finding, Verdict, named, ok, unknown

_PAIR = 2


def engine(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether the engine answers at all."""
    about = facts.swarm.about
    if not isinstance(about, Missing):
        return ok(Check.ENGINE, f"The engine on {about.name} answers (version {about.version}).")
    return (
        Finding(
            Check.ENGINE,
            Verdict.FAILED,
            f"{about.clause}.",
            "What runs goes on, but the operator can start and stop nothing by this engine.",
            "`systemctl status docker` shows why it does not run; `--docker-host` or DOCKER_HOST "
            "names another engine.",
        ),
    )


def manager(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether the engine is a manager (`Swarm.ControlAvailable` of `GET /info`)."""
    about = facts.swarm.about
    if isinstance(about, Missing):
        return unknown(Check.MANAGER, "Not known, since the engine does not answer.")
    if about.manager:
        return ok(Check.MANAGER, f"{about.name} is a manager of the Swarm.")
    if about.state == "active":
        what = f"The engine on {about.name} is a worker of the Swarm, not a manager."
        remedy = f"On a manager, `docker node promote {about.node_id}`, or use a manager's engine."
    elif about.state == "locked":
        what = f"The Swarm on {about.name} is locked since its engine was started again."
        remedy = "`docker swarm unlock` opens it with the key that was kept."
    else:
        what = f"The engine on {about.name} is in no Swarm ({about.state or 'inactive'})."
        remedy = "`make up` makes one; `docker swarm join` joins one."
    why = "Only a manager can be asked about services and told to start any."
    return (Finding(Check.MANAGER, Verdict.FAILED, what, why, remedy, about.name),)


def quorum(facts: Facts) -> tuple[Finding, ...]:
    """Judge how many managers may still be lost.

    Raft needs more than half of them. `ManagerStatus.Reachability` is what the leader sees; without
    a leader `Swarm.Error` of `GET /info` says so, and lists are refused or hang.
    """
    about, nodes = facts.swarm.about, facts.swarm.nodes
    if not isinstance(about, Missing) and about.manager and about.error:
        return (_lost(f"The Swarm has no leader: {about.error.strip().rstrip('.')}."),)
    if isinstance(nodes, Missing):
        if "no leader" in nodes.why:
            return (_lost(f"{nodes.clause}."),)
        return unknown(
            Check.QUORUM, f"Not known, since the nodes cannot be listed: {nodes.clause}."
        )
    managers = [n for n in nodes if n.role == "manager"]
    away = [n.hostname for n in managers if n.reachability != "reachable" or n.state == "down"]
    total, up = len(managers), len(managers) - len(away)
    need = total // 2 + 1
    if away:
        return (_at_risk(away, total, up, need),)
    if total == _PAIR:
        return (_pair(),)
    spare = total - need
    more = "its loss stops the Swarm" if not spare else f"{spare} of them may be lost"
    return ok(Check.QUORUM, f"All managers are reachable ({total}); {more}.")


def _lost(what: str) -> Finding:
    return Finding(
        Check.QUORUM,
        Verdict.FAILED,
        what,
        "What runs goes on, but nothing is started, stopped or restarted.",
        "Bring managers back; if they are gone for good, `docker swarm init --force-new-cluster` "
        "on the one that is left.",
    )


def _at_risk(away: list[str], total: int, up: int, need: int) -> Finding:
    left = up - need
    if left < 0:
        return _lost(f"{up} of {total} managers are reachable, and {need} are needed.")
    lost = "one more that is lost stops the Swarm" if left == 0 else f"{left} more may be lost"
    return Finding(
        Check.QUORUM,
        Verdict.FAILED if left == 0 else Verdict.WARNING,
        f"{up} of {total} managers are reachable, and {need} are needed: {lost}.",
        f"Not reachable: {named(away)}.",
        "Bring them back, or replace them: `docker node promote` another node, then "
        "`docker node demote` and `docker node rm` the one that is gone.",
    )


def _pair() -> Finding:
    return Finding(
        Check.QUORUM,
        Verdict.WARNING,
        "There are two managers, and the loss of either stops the Swarm.",
        "Two are less safe than one; three bear the loss of one.",
        "`docker node promote` a third node, or `docker node demote` one of the two.",
    )
