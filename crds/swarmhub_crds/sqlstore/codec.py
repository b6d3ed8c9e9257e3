"""Between rows and records. What cannot be read becomes a `Broken`, never an exception."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import ColumnElement, Select, Table, Update, bindparam, func, select, update

from swarmhub_crds.base import Metadata
from swarmhub_crds.home import Home, HomeSpec, HomeStatus
from swarmhub_crds.names import is_record_name
from swarmhub_crds.notebook import VOLUME_NAME, Notebook, NotebookSpec, NotebookStatus
from swarmhub_crds.sqlstore.clock import from_text
from swarmhub_crds.sqlstore.tables import homes, notebooks

RecordT = TypeVar("RecordT", Notebook, Home)
ModelT = TypeVar("ModelT", bound=BaseModel)
Values = Mapping[str, Any]

_VOLUME_NAME = re.compile(VOLUME_NAME)
_UID = re.compile(r"[0-9A-Za-z-]{1,64}")
_VOLUME_NAME_MAX: Final = 255
_LONGEST_DETAIL: Final = 300
_ENDLESS: Final = 2**31  # no spec is written so often
# All that reading foreign content may raise; the middle two come from dates at the calendar's ends.
_UNREADABLE = (ValueError, OverflowError, TypeError, RecursionError)

_METADATA_COLUMNS: Final = (
    "name",
    "uid",
    "generation",
    "resource_version",
    "created_at",
    "updated_at",
    "deletion_requested_at",
    "spec_written_at",
    "restart_of",
)
_DOCUMENTS: Final = ("spec", "status")
_COLUMNS: Final = (*_METADATA_COLUMNS, *_DOCUMENTS)
NAME: Final = "wanted"  # the parameters of the statements below, as no column is called
NAMES: Final = "wanted_names"
SINCE: Final = "since"
LONGEST_DOCUMENT: Final = 2**20  # characters of a spec or status; no engine takes a larger service


@dataclass(frozen=True)
class Broken:
    """A record whose stored content cannot be read, with whatever of it can be."""

    kind: Literal["Notebook", "Home"]
    name: str
    uid: str | None
    message: str  # one sentence: what is wrong, and what to do
    status: NotebookStatus | HomeStatus | None
    resource_version: int | None
    deletion_requested_at: datetime | None
    generation: int | None = None


@dataclass(frozen=True)
class Kind(Generic[RecordT]):
    """What differs between the two kinds of record."""

    name: Literal["Notebook", "Home"]
    table: Table
    record: type[RecordT]
    spec: type[NotebookSpec | HomeSpec]
    status: type[NotebookStatus | HomeStatus]
    legal_name: Callable[[str], bool]
    remedy: str

    @cached_property
    def columns(self) -> list[ColumnElement[Any]]:
        """The columns that `decode` reads, in its order; a document that is too long is cut off.

        So whoever reads or lists records is not made to carry what somebody wrote to fill memory.
        """
        return [
            *(self.table.c[name] for name in _METADATA_COLUMNS),
            *(
                func.substr(self.table.c[name], 1, LONGEST_DOCUMENT + 1).label(name)
                for name in _DOCUMENTS
            ),
        ]

    @cached_property
    def one(self) -> Select[Any]:
        """The query for the record `NAME`; made once, as making it takes longer than its answer."""
        return select(*self.columns).where(self.table.c.name == bindparam(NAME))

    @cached_property
    def all(self) -> Select[Any]:
        """The query for all records, in the order of their names."""
        return select(*self.columns).order_by(self.table.c.name)

    @cached_property
    def some(self) -> Select[Any]:
        """The query for the records `NAMES`."""
        named = self.table.c.name.in_(bindparam(NAMES, expanding=True))
        return select(*self.columns).where(named)

    @cached_property
    def change(self) -> Update:
        """The statement that gives the record `NAME` other values, which go with it."""
        return update(self.table).where(self.table.c.name == bindparam(NAME))


def is_volume_name(name: str) -> bool:
    """Tell whether the engine accepts `name` for a volume."""
    return len(name) <= _VOLUME_NAME_MAX and _VOLUME_NAME.fullmatch(name) is not None


NOTEBOOK: Final = Kind(
    "Notebook",
    notebooks,
    Notebook,
    NotebookSpec,
    NotebookStatus,
    is_record_name,
    "start the server again, which writes it anew, or delete the server",
)
HOME: Final = Kind(
    "Home",
    homes,
    Home,
    HomeSpec,
    HomeStatus,
    is_volume_name,
    "correct it in the state database; the volume itself is left alone",
)


def decode(kind: Kind[RecordT], row: Sequence[Any]) -> RecordT | Broken:
    """Return the record that `row`, of `kind.columns`, holds."""
    values = dict(zip(_COLUMNS, row, strict=True))
    try:
        return kind.record(
            metadata=_metadata(kind, values),
            spec=_parsed(kind.spec, values["spec"]),
            status=_parsed(kind.status, values["status"]),
        )
    except _UNREADABLE:
        return _broken(kind, values)


class ListDecoder(Generic[RecordT]):
    """Decodes whole lists, and of each only the rows that differ from the last list's.

    Whole rows are compared rather than versions, so that no change can be overlooked.
    """

    def __init__(self, kind: Kind[RecordT]) -> None:
        self._kind: Kind[RecordT] = kind
        self._known: dict[Any, tuple[tuple[Any, ...], RecordT | Broken]] = {}

    def decode(self, rows: Sequence[Sequence[Any]]) -> list[RecordT | Broken]:
        """Return the records that `rows`, of the kind's columns, hold."""
        known = self._known
        pairs = []
        for row in map(tuple, rows):
            pair = known.get(row[0])
            if pair is None or pair[0] != row:
                pair = (row, decode(self._kind, row))
            pairs.append(pair)
        self._known = {pair[0][0]: pair for pair in pairs}
        return [record for _, record in pairs]


def with_blank_status(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return `row` as it reads before the operator has written a status."""
    return (*row[:-1], "{}")


def encode(document: BaseModel) -> str:
    """Return the JSON text of a spec or status."""
    return document.model_dump_json()


def _metadata(kind: Kind[RecordT], values: Values) -> Metadata:
    if not isinstance(values["name"], str) or not kind.legal_name(values["name"]):
        raise ValueError("the name is not one that swarmhub gives")
    if readable_uid(values["uid"]) is None:
        raise ValueError("the uid is not one that swarmhub gives")
    times = {
        "created_at": from_text(values["created_at"]),
        "updated_at": from_text(values["updated_at"]),
        "deletion_requested_at": _time_or_none(values["deletion_requested_at"]),
        "spec_written_at": _time_or_none(values["spec_written_at"]),
    }
    columns = {column: values[column] for column in _METADATA_COLUMNS}
    columns["restart_of"] = readable_text(columns["restart_of"])  # else it is nobody's task
    return Metadata.model_validate(columns | times, strict=True)


def _time_or_none(text: object) -> datetime | None:
    return None if text is None else from_text(text)


def _parsed(model: type[ModelT], text: object) -> ModelT:
    if not isinstance(text, str):
        raise ValueError(f"JSON text was expected, not {type(text).__name__}")  # noqa: TRY004
    if len(text) > LONGEST_DOCUMENT:
        raise ValueError(f"it is longer than {LONGEST_DOCUMENT} characters")
    return model.model_validate_json(text, strict=True)


def _broken(kind: Kind[RecordT], values: Values) -> Broken:
    readers: dict[str, Callable[[], object]] = {
        "metadata": lambda: _metadata(kind, values),
        "spec": lambda: _parsed(kind.spec, values["spec"]),
        "status": lambda: _parsed(kind.status, values["status"]),
    }
    problems = {part: detail for part, read in readers.items() if (detail := _problem(read))}
    parts = " and ".join(problems)
    name = _printable(values["name"])
    remedy = "the operator writes it anew" if set(problems) == {"status"} else kind.remedy
    return Broken(
        kind=kind.name,
        name=name,
        uid=readable_uid(values["uid"]),
        message=f"The stored {parts} of {kind.name.lower()} {name!r} cannot be read "
        f"({'; '.join(problems.values())}); {remedy}",
        status=None if "status" in problems else _parsed(kind.status, values["status"]),
        resource_version=readable_count(values["resource_version"]),
        deletion_requested_at=readable_time(values["deletion_requested_at"]),
        generation=readable_count(values["generation"]),
    )


def readable_text(value: object) -> str | None:
    """Return `value` if it is text that can be written again."""
    return value if isinstance(value, str) and value and value == _printable(value) else None


def readable_uid(value: object) -> str | None:
    """Return `value` if it could be a record's uid, which ends up in labels of the engine."""
    return value if isinstance(value, str) and _UID.fullmatch(value) else None


def readable_count(value: object) -> int | None:
    """Return `value` if it is a whole number from 1 on."""
    return value if isinstance(value, int) and value >= 1 else None


def readable_observed_generation(status: object) -> int:
    """Return which generation a stored status speaks of; 0 if that cannot be read."""
    try:
        found = json.loads(status) if isinstance(status, str) else None
    except _UNREADABLE:
        return 0
    observed = found.get("observedGeneration") if isinstance(found, dict) else None
    return observed if isinstance(observed, int) and 0 <= observed < _ENDLESS else 0


def readable_time(value: object) -> datetime | None:
    """Return `value` if it is a time as the store writes it."""
    try:
        return from_text(value)
    except _UNREADABLE:
        return None


def _problem(read: Callable[[], object]) -> str:
    """Return in short why `read` fails; "" if it does not. Never quotes the content itself."""
    try:
        read()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        return _printable(f"{place}: {first['msg']}" if place else first["msg"])[:_LONGEST_DETAIL]
    except _UNREADABLE as error:
        return _printable(str(error))[:_LONGEST_DETAIL]
    return ""


def _printable(value: object) -> str:
    """Return text that any terminal and any UTF-8 sink can take."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
