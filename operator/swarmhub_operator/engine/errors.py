"""What can go wrong at the engine, and the sentence that a person gets for it.

One table maps every engine failure to a `Kind`; the kind alone decides what happens next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus


class Kind(StrEnum):
    """What a failure means for the caller."""

    GONE = "gone"  # the thing is not there: look again
    TAKEN = "taken"  # the name exists: adopt it or refuse
    STALE = "stale"  # somebody changed it meanwhile: look again
    IN_USE = "in-use"  # it can be removed a little later
    UNAVAILABLE = "unavailable"  # transient: back off
    REFUSED = "refused"  # terminal: the same request will fail again


class EngineError(Exception):
    """A failed engine call; `str()` is one sentence with the next step."""

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence


_ANY = range(600)
_OWN = range(500, 600)  # the engine's own trouble: what the request named stands in none of it


@dataclass(frozen=True, slots=True)
class _Rule:
    status: int | range
    pattern: str
    kind: Kind
    sentence: str


# Statuses and texts are those of moby 20.10 to 29 (daemon/cluster, swarmkit manager/controlapi).
_RULES = (
    _Rule(
        503,
        r"not a swarm manager|not part of a swarm",
        Kind.UNAVAILABLE,
        "This engine is not a Swarm manager; run the operator on a manager node.",
    ),
    _Rule(
        _OWN,
        r"does not have a leader|too few managers|no elected primary|quorum",
        Kind.UNAVAILABLE,
        "The Swarm has no leader (too few managers are up); bring managers back.",
    ),
    _Rule(
        _ANY,
        r"update out of sequence",
        Kind.STALE,
        "It was changed meanwhile; looking again.",
    ),
    _Rule(
        400,
        r"secrets? not found",  # that a service should mount: gone since it was looked for
        Kind.STALE,
        "Its secret was removed meanwhile; looking again.",
    ),
    _Rule(
        _ANY,
        r"is in use|in use by",
        Kind.IN_USE,
        "It is still in use ({detail}); trying again shortly.",
    ),
    _Rule(
        _ANY,  # 500 at the time of 20.10
        r"(^|desc = )network \S+ not found",
        Kind.REFUSED,
        "A network that it should join does not exist ({detail}); create it or correct the name.",
    ),
    _Rule(404, r"", Kind.GONE, "It is no longer there ({detail})."),
    _Rule(409, r"", Kind.TAKEN, "The name is taken ({detail}); rename or remove the other one."),
    _Rule(
        _OWN,
        r"deadline exceeded|DeadlineExceeded|timeout|timed out",
        Kind.UNAVAILABLE,
        "The engine did not answer in time; trying again.",
    ),
    _Rule(
        400,
        r"",
        Kind.REFUSED,
        "The engine refused the request ({detail}); correct the spawner's options.",
    ),
    _Rule(
        403,
        r"",
        Kind.REFUSED,
        "The engine forbids it ({detail}); check the engine's authorization.",
    ),
    _Rule(
        501,
        r"",
        Kind.REFUSED,
        "The engine cannot do this ({detail}); remove the service and let it be made anew.",
    ),
)


def classify(status: int | None, detail: str) -> EngineError:
    """Turn an HTTP status and the engine's own words into an `EngineError`.

    Args:
        status: the HTTP status, or None when no answer came.
        detail: the engine's message, or the client's for a connection failure.
    """
    detail = " ".join(detail.split())[:300]
    if status is None:
        return EngineError(
            Kind.UNAVAILABLE,
            f"The engine cannot be reached ({detail}); start dockerd or mend DOCKER_HOST.",
        )
    for rule in _RULES:
        if _fits(rule.status, status) and re.search(rule.pattern, detail, re.IGNORECASE):
            return EngineError(rule.kind, rule.sentence.format(detail=detail.rstrip(".")))
    return EngineError(
        Kind.UNAVAILABLE,
        f"The engine answered {status} ({detail}); trying again, see the daemon's log.",
    )


_LOGIN = re.compile(
    r"unauthorized|authentication required|no basic auth credentials|access .{0,40}denied|denied:"
    r"|incorrect username or password|forbidden",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"manifest unknown|name unknown|not found: manifest|no such manifest|repository .*not found"
    r"|manifest .{0,200}not found|invalid name|invalid reference",
    re.IGNORECASE,
)


def classify_registry(
    status: int | None, detail: str, image: str, registry: str, *, logged_in: bool
) -> EngineError:
    """Turn what the engine says of a registry into an `EngineError`.

    Args:
        status: the HTTP status of the engine's answer, or None when no answer came.
        detail: its message.
        image: what was asked for.
        registry: whom it was asked of.
        logged_in: whether the operator's login went along.
    """
    detail = " ".join(detail.split())[:300].rstrip(".")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or _LOGIN.search(detail):
        has = "refuses the operator's login" if logged_in else "wants a login, which is not there"
        return EngineError(
            Kind.REFUSED,
            f"The registry {registry} {has}, or has no image {image}; an administrator can hand "
            "a login to the operator (docs/images.md).",
        )
    if status == HTTPStatus.NOT_FOUND or _UNKNOWN.search(detail):
        end = "digest" if "@" in image else "tag"
        return EngineError(
            Kind.GONE,
            f"The registry {registry} does not know the image {image}; check its name and {end}.",
        )
    return EngineError(
        Kind.UNAVAILABLE,
        f"The registry {registry} could not be asked for the image {image} ({detail}); "
        "see whether it runs and can be reached.",
    )


def _fits(wanted: int | range, status: int) -> bool:
    return status in wanted if isinstance(wanted, range) else status == wanted
