"""Reads the operator's policy file: TOML, or the YAML of earlier versions with the same keys.

`python -m swarmhub_operator.policyfile` writes the file's JSON Schema into `operator/schema`.
"""

from __future__ import annotations

import difflib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError

from swarmhub_operator.decide.policy import Policy

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_YAML: Final = (".yaml", ".yml")


class PolicyFileError(Exception):
    """A policy that cannot be used; `str()` is one sentence, `problems` are all of them."""

    def __init__(self, file: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"The policy file {file} is wrong: {problems[0]}")
        self.problems = problems


def load(path: Path) -> Policy:
    """Read a policy file; an empty one, such as /dev/null, gives the defaults.

    Raises:
        PolicyFileError: it cannot be read, or some key or value is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise PolicyFileError(str(path), (f"it cannot be read ({error}); correct it.",)) from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Policy:
    """Read the text of a policy; `name` is what to call it in sentences.

    Raises:
        PolicyFileError: some key or value is wrong.
    """
    content = _content(text, name)
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        raise PolicyFileError(name, tuple(_problems(error))) from error


def _content(text: str, name: str) -> Mapping[str, Any]:
    """TOML comes first: nothing but comments and blanks is both."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        wrong: Exception = error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        content = None
        wrong = error if name.endswith(_YAML) else wrong
    if isinstance(content, dict):
        return content
    detail = " ".join(str(wrong).split())
    raise PolicyFileError(name, (f"it cannot be read as TOML ({detail}); correct it.",))


def _problems(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in one["loc"])
        if one["type"] == "extra_forbidden":
            yield f"{place}: there is no such key{_guess(one['loc'])}; correct or remove it."
        else:
            reason = one["msg"].removeprefix("Value error, ").rstrip(".")
            yield f"{place}: {reason}; correct it."


def _guess(place: tuple[int | str, ...]) -> str:
    near = difflib.get_close_matches(str(place[-1]), _keys(Policy, place[:-1]), n=1)
    return f" (perhaps {near[0]} is meant)" if near else ""


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the keys that a part of the policy has."""
    for part in path:
        found = model.model_fields.get(str(part))
        if found is None or not isinstance(found.annotation, type):
            return []
        if not issubclass(found.annotation, BaseModel):
            return []
        model = found.annotation
    return list(model.model_fields)


def schema() -> str:
    """Return the JSON Schema of the file, for editors and other programs."""
    return json.dumps({"$schema": _DIALECT, **Policy.model_json_schema()}, indent=2) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1]
    target = folder / "schema" / "policy.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(schema())
