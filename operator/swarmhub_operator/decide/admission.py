"""Whether policy allows what a record asks: records are hostile input. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from swarmhub_crds.notebook import NotebookSpec

from swarmhub_operator.decide import ceilings, environment, mounting, privileges
from swarmhub_operator.decide.policy import Policy

_DOMAIN = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})\Z")
_IMAGE: Final = re.compile(
    rf"(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*(?:{_TAG})?(?:@sha256:[0-9a-f]{{64}})?", re.ASCII
)


def refusal(
    spec: NotebookSpec, policy: Policy, network: str, owners: mounting.Owners | None = None
) -> str | None:
    """Return why the policy refuses `spec`, in one sentence, or None when it is allowed."""
    return next(refusals(spec, policy, network, owners), None)


def refusals(
    spec: NotebookSpec, policy: Policy, network: str, owners: mounting.Owners | None = None
) -> Iterator[str]:
    """Yield each reason for which the policy refuses `spec`, a sentence each.

    Args:
        spec: what the hub wrote.
        policy: what the administrator allows.
        network: the notebooks' network, which is always allowed.
        owners: whose homes the volumes are known to be, whatever the hub says of them.
    """
    yield from _size(spec, policy)
    yield from _image(spec.image, policy)
    yield from _networks(spec, network, policy.allowed_networks)
    yield from privileges.faults(spec, policy)
    yield from mounting.faults(spec, policy, owners or {})
    yield from environment.plain_faults(spec.environment, policy.refused_environment)
    yield from ceilings.faults(spec, policy.notebook)


def allows_image(image: str, policy: Policy) -> bool:
    """Return whether the policy lets notebooks run an image."""
    return not any(_image(image, policy))


def _size(spec: NotebookSpec, policy: Policy) -> Iterator[str]:
    size = len(spec.model_dump_json().encode())
    if size > policy.max_record:
        yield (
            f"The record is too large ({size} bytes; {policy.max_record} are allowed); shorten the "
            "spawner's options or ask the administrator to raise max_record in the operator's "
            "policy."
        )


def _image(image: str, policy: Policy) -> Iterator[str]:
    digest = _DIGEST.search(image)
    if not _IMAGE.fullmatch(image):
        yield f"The image {image[:200]!r} has no name that an engine takes; correct it."
    elif not any(_names(pattern, image, digest) for pattern in policy.allowed_images):
        yield (
            f"The image {image} is not allowed here; "
            "choose another one or ask the administrator to allow it."
        )
    elif policy.require_digest and digest is None:
        yield (
            f"The image {image} must be named by its digest here (name@sha256:…); "
            "`docker buildx imagetools inspect` shows it."
        )


def _names(pattern: str, image: str, digest: re.Match[str] | None) -> bool:
    if pattern.startswith("sha256:"):
        return digest is not None and digest[1] == pattern
    return fnmatchcase(image, pattern)


def _networks(spec: NotebookSpec, own: str, others: Iterable[str]) -> Iterator[str]:
    for name in spec.networks:
        if name not in {own, *others}:
            yield (
                f"The network {name} is not allowed for notebooks, whose own is {own}; "
                "ask the administrator to add it to allowed_networks in the operator's policy."
            )
