"""What keeps strangers out: the policy, who may read files, and certificates that run out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.doctor.facts import Certificate, Facts, FileFact, Missing
from swarmhub_operator.doctor.finding import Check, Finding, Verdict, named, ok, unknown

# What leads out of a container or stops its node (capabilities(7)).
_MIGHTY: Final = frozenset(
    {
        *("SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME"),
        *("DAC_READ_SEARCH", "BPF", "PERFMON"),
    }
)
_POSING: Final = frozenset({"NET_ADMIN", "NET_RAW"})
_STACK_VOLUMES: Final = ("swarmhub_state", "swarmhub_hub", "swarmhub_registry", "swarmhub_tls")
_SOON: Final = timedelta(days=30)
_AT_ONCE: Final = timedelta(days=7)
_OTHERS_WRITE: Final = 0o022
_OTHERS_READ: Final = 0o077

Risk = tuple[Verdict, str, str]  # how bad, what the policy allows, what to do instead


def policy(facts: Facts) -> tuple[Finding, ...]:
    """Judge what the policy allows beyond its defaults (docs/policy.md)."""
    found = facts.policy
    if isinstance(found, Missing):
        why = "An operator that is started with these settings ends at once."
        remedy = (
            "Correct it; `swarmhub policy check - < FILE` names all that is wrong with a policy."
        )
        return (Finding(Check.POLICY, Verdict.FAILED, f"{found.clause}.", why, remedy),)
    risks = [*_of_privileges(found), *_of_storage(found)]
    findings = tuple(
        Finding(Check.POLICY, verdict, f"The policy {what}.", remedy=remedy)
        for verdict, what, remedy in risks
    )
    return findings or ok(Check.POLICY, "The policy allows nothing that endangers the nodes.")


def _of_privileges(policy: Policy) -> Iterator[Risk]:
    mighty = sorted(set(policy.allowed_capabilities) & _MIGHTY)
    if mighty:
        yield (
            Verdict.FAILED,
            f"lets servers have {named(mighty)}, with which one can take over or stop the node",
            "Take them out of `allowed_capabilities`.",
        )
    posing = sorted(set(policy.allowed_capabilities) & _POSING)
    if posing:
        yield (
            Verdict.WARNING,
            f"lets servers have {named(posing)}, with which one can pose as another server",
            "Take them out of `allowed_capabilities`.",
        )
    if policy.allow_root and not policy.hardening.drop_capabilities:
        yield (
            Verdict.FAILED,
            "lets servers run as root with the engine's usual capabilities",
            "Set `allow_root = false`, or `hardening.drop_capabilities = true`.",
        )
    elif policy.allow_root:
        yield (
            Verdict.WARNING,
            "lets servers run as root in their containers",
            "Set `allow_root = false`; few images need it.",
        )
    elif not policy.hardening.drop_capabilities:
        yield (
            Verdict.WARNING,
            "leaves servers the engine's usual capabilities",
            "Set `hardening.drop_capabilities = true`, and allow those that are needed.",
        )
    if not policy.hardening.no_new_privileges:
        yield (
            Verdict.WARNING,
            "lets set-user-ID programs gain their owner's identity in servers",
            "Set `hardening.no_new_privileges = true`.",
        )


def _of_storage(policy: Policy) -> Iterator[Risk]:
    exposed = [v for v in _STACK_VOLUMES if any(fnmatchcase(v, p) for p in policy.allowed_volumes)]
    if exposed:
        yield (
            Verdict.FAILED,
            f"lets servers mount the stack's own volumes ({named(exposed)}), with all tokens",
            "Narrow `allowed_volumes` to names of homes, such as `jupyterhub-*`.",
        )
    if policy.allow_volume_options:
        yield (
            Verdict.WARNING,
            "lets volumes have any options, and so mount shares of any server",
            "Set `allow_volume_options = false`, and name what is needed in `volume_options`.",
        )
    shared = [b.path for b in policy.allowed_binds if not b.read_only and "{" not in b.path]
    if shared:
        yield (
            Verdict.WARNING,
            f"lets all servers write the same paths of the nodes ({named(shared)})",
            "Set `read_only = true` there, or give each user a path of their own ({username}).",
        )


def files(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether others may read or write what should be closed to them."""
    if isinstance(facts.files, Missing):
        return unknown(Check.FILES, f"Not known: {facts.files.clause}.")
    found = [f for file in facts.files for f in _of_file(file)]
    if found:
        return tuple(found)
    if not facts.files:
        return unknown(Check.FILES, "Not known: none of the files is there.")
    return ok(Check.FILES, f"The files are closed to others ({len(facts.files)}).")


def _of_file(file: FileFact) -> list[Finding]:
    writable, readable = file.mode & _OTHERS_WRITE, file.secret and file.mode & _OTHERS_READ
    if not writable and not readable:
        return []
    does = "write" if writable else "read"
    bits = _OTHERS_READ if file.secret else _OTHERS_WRITE
    closed = file.mode & ~bits
    what = f"Others than its owner may {does} {file.what} {file.path} (mode {file.mode:04o})."
    why = (
        "It holds tokens or logins." if file.secret else "What it says decides what servers may do."
    )
    return [
        Finding(
            Check.FILES, Verdict.FAILED, what, why, f"`chmod {closed:04o} {file.path}`.", file.path
        )
    ]


def certificates(facts: Facts) -> tuple[Finding, ...]:
    """Judge until when certificates are good."""
    if isinstance(facts.certificates, Missing):
        return unknown(Check.CERTIFICATES, f"Not known: {facts.certificates.clause}.")
    found = [f for one in facts.certificates for f in _of_certificate(facts, one)]
    if found:
        return tuple(found)
    if not facts.certificates:
        return unknown(Check.CERTIFICATES, "Not known: the engine tells of no certificate.")
    ends = min(c.good_until for c in facts.certificates if not isinstance(c.good_until, Missing))
    what = f"The certificates are good until {ends:%Y-%m-%d} at least ({len(facts.certificates)})."
    return ok(Check.CERTIFICATES, what)


def _of_certificate(facts: Facts, one: Certificate) -> tuple[Finding, ...]:
    if isinstance(one.good_until, Missing):
        return unknown(Check.CERTIFICATES, f"Not known of {one.name}: {one.good_until.clause}.")
    left = one.good_until - facts.now
    if left > _SOON:
        return ()
    day = f"{one.good_until:%Y-%m-%d %H:%M} UTC"
    what = f"{one.name[:1].upper()}{one.name[1:]} is good until {day} only ({left.days} days)."
    if left <= timedelta(0):
        what = f"{one.name[:1].upper()}{one.name[1:]} has run out at {day}."
    verdict = Verdict.FAILED if left <= _AT_ONCE else Verdict.WARNING
    why = "Then nobody who checks it connects any more."
    return (Finding(Check.CERTIFICATES, verdict, what, why, one.renewal, one.name),)
