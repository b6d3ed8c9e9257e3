"""From docker.types.ContainerSpec's words to what the record says of its container."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from swarmhub_spawner.building.templates import expand_all
from swarmhub_spawner.building.words import (
    given_words,
    read_number,
    read_pairs,
    read_texts,
    read_words,
)
from swarmhub_spawner.errors import OptionError

_NANO: Final = 10**9
_SHORTEST_GRACE: Final = 10**6  # nanoseconds; who writes less has meant seconds

REFUSED: Final = {
    "image": "is not taken here; set the option image.",
    "privileges": "cannot be: credential specs and SELinux are the operator's business; leave it "
    "out.",
    "configs": "cannot be given by a hub; put the file into the image or a volume.",
    "secrets": "cannot be named by a hub; what matches secret_environment travels as a secret, so "
    "put the value into environment.",
    "healthcheck": "is not needed: the operator asks each notebook itself whether it answers; "
    "leave it out.",
    "isolation": "is for Windows alone; leave it out.",
    "open_stdin": "is of no use: nobody is attached to a notebook's input; leave it out.",
}
_NO_TEMPLATES: Final = ("command", "args", "env", "mounts")  # braces may mean something there


@dataclass(frozen=True, kw_only=True)
class ContainerWords:
    """What was said about the container; `settings` are fields of the record's Container."""

    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    working_dir: str | None = None
    user: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def read_container_spec(option: str, spec: Any, values: Mapping[str, str]) -> ContainerWords:
    """Read a dict with the words of docker.types.ContainerSpec, and `pids_limit`.

    Raises:
        OptionError: a word cannot be carried out; the sentence says what to do instead.
    """
    words = {
        word: value if word in _NO_TEMPLATES else expand_all(value, values, option)
        for word, value in given_words(option, spec, KNOWN, REFUSED).items()
    }
    settings: dict[str, Any] = {}
    for word, read in _SETTINGS.items():
        if word in words:
            settings |= read(option, word, words[word])
    return ContainerWords(
        entrypoint=read_words(option, "command", words["command"]) if "command" in words else None,
        command=read_words(option, "args", words["args"]) if "args" in words else None,
        environment=_environment(option, words.get("env", {})),
        working_dir=words.get("workdir"),
        user=str(words["user"]) if "user" in words else None,
        labels=read_pairs(option, "labels", words.get("labels", {}), "="),
        mounts=tuple(words.get("mounts", ())),
        settings=settings,
    )


def _environment(option: str, value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    pairs = [text.partition("=") for text in read_texts(option, "env", value)]
    return {name: text for name, _, text in pairs}


def _as_it_is(option: str, word: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, bool | str | int):
        raise OptionError(f"{option}: {value!r} is no value for {word!r}.")
    return {word: value}


def _texts(option: str, word: str, value: Any) -> dict[str, Any]:
    return {word: read_texts(option, word, value)}


def _capabilities(option: str, word: str, value: Any) -> dict[str, Any]:
    return {word: tuple(t.upper().removeprefix("CAP_") for t in read_texts(option, word, value))}


def _grace(option: str, word: str, value: Any) -> dict[str, Any]:
    number = read_number(option, word, value)
    if 0 < number < _SHORTEST_GRACE:
        raise OptionError(
            f"{option}: {word!r} counts billionths of a second in Docker, so {value!r} is nothing; "
            "set delete_grace_period, which counts seconds."
        )
    return {"stop_grace": number / _NANO}


def _hosts(option: str, word: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"hosts": read_pairs(option, word, value, ":")}
    texts = read_texts(option, word, value)
    if all(":" in text and " " not in text for text in texts):
        return {"hosts": read_pairs(option, word, texts, ":")}
    # As the engine's API has it: the address first.
    turned = read_pairs(option, word, texts, " ")
    return {"hosts": {name: address for address, name in turned.items()}}


def _dns(option: str, word: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise OptionError(f"{option}: {word!r} must be a dict such as {{'Nameservers': [...]}}.")
    spec = {str(name).lower(): item for name, item in value.items()}
    known = ("nameservers", "search", "options")
    given = given_words(f"{option}: {word}", spec, known, {})
    return {"dns": {name: read_texts(option, name, item) for name, item in given.items()}}


def _sysctls(option: str, word: str, value: Any) -> dict[str, Any]:
    return {"sysctls": read_pairs(option, word, value, "=")}


_SETTINGS: Final[dict[str, Callable[[str, str, Any], dict[str, Any]]]] = {
    "hostname": _as_it_is,
    "tty": _as_it_is,
    "read_only": _as_it_is,
    "init": _as_it_is,
    "stop_signal": _as_it_is,
    "pids_limit": _as_it_is,
    "groups": _texts,
    "cap_add": _capabilities,
    "cap_drop": _capabilities,
    "stop_grace_period": _grace,
    "hosts": _hosts,
    "dns_config": _dns,
    "sysctls": _sysctls,
}
KNOWN: Final = (
    *_SETTINGS,
    *("command", "args", "env", "workdir", "user", "labels", "mounts"),
)
