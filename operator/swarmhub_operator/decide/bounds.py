"""How much one notebook may have, and the form of all parts of the policy."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?", re.ASCII)
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def _bytes(value: Any) -> Any:
    """Read "2G" as JupyterHub does: in steps of 1024."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is no amount of memory; write for example 2G or 512M")
    return int(float(match[1]) * 1024 ** _UNITS[match[2]])


Size = Annotated[
    int,
    BeforeValidator(_bytes),
    Field(gt=0),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\d+(\.\d+)? ?[KMGT]?(i?B)?$"},
            ]
        }
    ),
]
Cpus = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """A part of the policy: a frozen value that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MemoryBounds(Part):
    """Memory of one notebook, in bytes or as in "2G"."""

    default: Size | None = Field(default=None, description="limit of a notebook that names none")
    max: Size | None = Field(default=None, description="no limit or guarantee may be more")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        _check_order(self.default, self.max)
        return self


class CpuBounds(Part):
    """Processors of one notebook, as fractions of a core."""

    default: Cpus | None = Field(default=None, description="limit of a notebook that names none")
    max: Cpus | None = Field(default=None, description="no limit or guarantee may be more")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        _check_order(self.default, self.max)
        return self


class ProcessBounds(Part):
    """Processes and threads of one notebook. `default = 0` is: without a limit."""

    default: Count = Field(default=4096, description="limit of a notebook that names none")
    max: int | None = Field(default=None, gt=0, description="no limit may be more")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.max is not None and "default" in self.model_fields_set:
            _check_order(self.default, self.max)
        return self


def _check_order(default: float | None, most: float | None) -> None:
    if default is not None and most is not None and default > most:
        raise ValueError(f"the default ({default}) is more than max ({most}); lower it")


class NotebookBounds(Part):
    """What one notebook may have. A `max` without a `default` is the default too."""

    memory: MemoryBounds = MemoryBounds()
    cpus: CpuBounds = CpuBounds()
    processes: ProcessBounds = ProcessBounds()
    generic: dict[str, Count] = Field(
        default_factory=dict, description="most of each generic resource, such as GPUs"
    )
