"""What the policy adds to a record when its service is made, until its next start. Pure.

The terms stand on the service as a label, and the service is held against them and not against the
policy of the day: a policy that changes, or an operator that is newer, ends nobody's server.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from swarmhub_crds.notebook import NotebookSpec

from swarmhub_operator.decide import ceilings
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service


class Terms(BaseModel):
    """Hardening and default limits; the values of a service that was made without any."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    drop_capabilities: bool = False
    no_new_privileges: bool = False
    init: bool | None = None
    cpu_limit: float | None = None
    mem_limit: int | None = None
    pids_limit: int | None = None


NONE: Final = Terms()


def of(spec: NotebookSpec, policy: Policy) -> Terms:
    """Return the terms on which a service for `spec` is made under `policy`."""
    limited = ceilings.limited(spec.resources, policy.notebook)
    hardening, asked = policy.hardening, spec.container
    return Terms(
        drop_capabilities=hardening.drop_capabilities,
        no_new_privileges=hardening.no_new_privileges,
        init=(hardening.init or None) if asked.init is None else asked.init,
        cpu_limit=limited.cpu_limit,
        mem_limit=limited.mem_limit,
        pids_limit=asked.pids_limit or ceilings.processes(policy.notebook),
    )


def label(terms: Terms) -> dict[str, str]:
    """Return the label that holds the terms; none for those that add nothing."""
    text = terms.model_dump_json(exclude_defaults=True)
    return {} if terms == NONE else {labels.TERMS: text}


def read(service: Service) -> Terms:
    """Return the terms on which a service was made."""
    try:
        return Terms.model_validate_json(service.labels.get(labels.TERMS, "{}"))
    except ValidationError:
        return NONE
