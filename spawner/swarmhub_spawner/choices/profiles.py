"""Profiles: what an administrator offers, what a user has chosen, and what that changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from slugify import slugify

from swarmhub_spawner.building.kubetexts import marked
from swarmhub_spawner.errors import OptionError, SpawnError

UNLISTED: Final = "unlisted-choice"  # the value that stands for "Other..."
_OF_KUBE: Final = "kubespawner_override"
_OVERRIDES: Final = (_OF_KUBE, "spawner_override")
_HTTP_BAD_REQUEST: Final = 400


def read_profiles(found: Any) -> list[dict[str, Any]]:
    """Return a `profile_list` with all that may be left out filled in, as a copy.

    A dict's values are taken in the order of its keys. Each profile has a slug, one is the
    default, and so is one choice of each of its options that has choices.

    Raises:
        OptionError: it is no list of dicts with names, or two profiles have one slug.
    """
    items = [found[key] for key in sorted(found)] if isinstance(found, Mapping) else found
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise OptionError(f"profile_list: {items!r} is no list of profiles.")
    profiles = [_read_profile(item) for item in items]
    _name_the_nameless(profiles)
    slugs = [profile["slug"] for profile in profiles]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise OptionError(f"profile_list: two profiles have the slug {slug!r}; rename one.")
    if profiles and not any(profile.get("default") for profile in profiles):
        profiles[0]["default"] = True
    return profiles


def _read_profile(item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not (item.get("display_name") or item.get("slug")):
        raise OptionError(f"profile_list: {item!r} is no profile: give it a display_name.")
    profile = deepcopy(dict(item))
    profile.setdefault("display_name", profile.get("slug"))
    where = f"profile_list: in {profile['display_name']!r} "
    _check_overrides(profile, where)
    for key, option in _mappings(profile, "profile_options", where).items():
        _read_option(key, option, f"{where}{key!r}: ")
    return profile


def _read_option(key: str, option: dict[str, Any], where: str) -> None:
    option.setdefault("display_name", key)
    choices = _mappings(option, "choices", where)
    option["choices"] = choices
    for name, choice in choices.items():
        choice.setdefault("display_name", name)
        _check_overrides(choice, where)
    if choices and not any(choice.get("default") for choice in choices.values()):
        next(iter(choices.values()))["default"] = True
    unlisted = option["unlisted_choice"] = option.get("unlisted_choice") or {}
    if not isinstance(unlisted, dict):
        raise OptionError(f"{where}unlisted_choice is no dict, but {unlisted!r}.")
    _check_overrides(unlisted, where)
    unlisted.setdefault("enabled", False)
    unlisted.setdefault("display_name", option["display_name"])
    unlisted.setdefault("display_name_in_choices", "Other...")
    try:
        re.compile(unlisted.get("validation_regex") or "")
    except (re.error, TypeError) as error:
        raise OptionError(f"{where}validation_regex is no pattern: {error}.") from None


def _mappings(of: Mapping[str, Any], word: str, where: str) -> dict[str, dict[str, Any]]:
    found = of.get(word) or {}
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise OptionError(f"{where}{word} is no dict of dicts, but {found!r}.")
    return found


def _check_overrides(of: Mapping[str, Any], where: str) -> None:
    for word in _OVERRIDES:
        if not isinstance(of.get(word) or {}, Mapping):
            raise OptionError(f"{where}{word} is no dict, but {of[word]!r}.")


def _name_the_nameless(profiles: Sequence[dict[str, Any]]) -> None:
    """Give each profile without a slug one, as KubeSpawner does: "GPU: 1 card" is "gpu-1-card".

    Where nothing of a name is left, or it would be the same for two, a part of its hash tells.
    """
    given = [profile.get("slug") or slugify(str(profile["display_name"])) for profile in profiles]
    for profile, slug in zip(profiles, given, strict=True):
        if not profile.get("slug"):
            name = str(profile["display_name"]).encode()
            alone = slug and given.count(slug) == 1
            mark = sha256(name).hexdigest()[:8]
            profile["slug"] = slug if alone else f"{slug or 'profile'}-{mark}"


def options_of_form(form: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return the user options that a submitted profile form holds.

    Fields are named as KubeSpawner's: "profile", "profile-option-SLUG--KEY" and, for what is in
    no list, the same with "--unlisted-choice" behind it. That text counts only where the list
    says "Other...", or was not sent.
    """
    slug = (form.get("profile") or [None])[0]
    if not slug:
        return {}
    prefix = f"profile-option-{slug}--"
    sent = {key.removeprefix(prefix): v[0] for key, v in form.items() if key.startswith(prefix)}
    options: dict[str, Any] = {"profile": slug}
    for key, value in sent.items():
        listed = key.removesuffix(f"--{UNLISTED}")
        if key == listed:
            if value != UNLISTED:
                options[key] = value
        elif sent.get(listed, UNLISTED) == UNLISTED:
            options[key] = value
    return options


def chosen_profile(
    profiles: Sequence[dict[str, Any]], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the profile that user options name; without one, the default.

    Raises:
        SpawnError: there is no such profile (status 400); the sentence says which there are.
    """
    slug = options.get("profile")
    if not slug:
        return next(profile for profile in profiles if profile.get("default"))
    for profile in profiles:
        if profile["slug"] == slug:
            return profile
    raise _refusal("profile", slug, [profile["slug"] for profile in profiles])


def chosen_overrides(
    profile: Mapping[str, Any], options: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Give what a profile and the choices in it change of the spawner, in this order.

    Raises:
        SpawnError: a choice may not be made (status 400); the sentence says what may be chosen.
    """
    yield from _overrides(profile)
    for key, option in (profile.get("profile_options") or {}).items():
        text = options.get(f"{key}--{UNLISTED}")
        if text:
            value = _checked(key, option, text)
            for override in _overrides(option["unlisted_choice"]):
                yield _with_value(override, value)
        else:
            yield from _overrides(_listed(key, option, options.get(key)))


def images_of(profiles: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give the images that profiles and the choices in them name; a callable names none yet."""
    for profile in profiles:
        options = (profile.get("profile_options") or {}).values()
        choices = [choice for option in options for choice in option["choices"].values()]
        for override in (found for of in (profile, *choices) for found in _overrides(of)):
            if isinstance(override.get("image"), str):
                yield override["image"]


@dataclass(frozen=True)
class Trial:
    """A profile with one of the choices in it, and what they change."""

    profile: str
    choice: str  # "" for the default ones
    overrides: Sequence[Mapping[str, Any]]


def trials(profile: Mapping[str, Any]) -> Iterator[Trial]:
    """Take each choice of a profile once, beside the default ones; nobody writes anything."""
    options = profile.get("profile_options") or {}
    usual = {key: _default(option["choices"]) for key, option in options.items()}
    usual = {key: name for key, name in usual.items() if name}
    others = [
        (key, name) for key in usual for name in options[key]["choices"] if name != usual[key]
    ]
    for picked, choice in ((usual, ""), *(({**usual, key: name}, name) for key, name in others)):
        choices = [options[key]["choices"][name] for key, name in picked.items()]
        yield Trial(
            profile["slug"], choice, [o for of in (profile, *choices) for o in _overrides(of)]
        )


def _default(choices: Mapping[str, Mapping[str, Any]]) -> str:
    return next((name for name, choice in choices.items() if choice.get("default")), "")


def unlisted_overrides(profile: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give what a profile changes once a user has written something, with {value} in it."""
    for option in (profile.get("profile_options") or {}).values():
        yield from _overrides(option["unlisted_choice"])


def unused_options(profile: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Return the user options that mean nothing to a profile."""
    keys = set(profile.get("profile_options") or {})
    known = {"profile", *keys, *(f"{key}--{UNLISTED}" for key in keys)}
    return sorted(options.keys() - known)


def _overrides(of: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for word in _OVERRIDES:
        if of.get(word):
            yield marked(of[word]) if word == _OF_KUBE else of[word]


def _listed(key: str, option: Mapping[str, Any], choice: Any) -> Mapping[str, Any]:
    choices: Mapping[str, Mapping[str, Any]] = option["choices"]
    if not choice:
        if not choices:
            name = option["display_name"]
            raise SpawnError(f"Please fill in {name!r}.", status_code=_HTTP_BAD_REQUEST)
        return choices[_default(choices)]
    if not isinstance(choice, str) or choice not in choices:
        raise _refusal(key, choice, list(choices))
    return choices[choice]


def _checked(key: str, option: Mapping[str, Any], text: Any) -> str:
    unlisted = option["unlisted_choice"]
    if not unlisted["enabled"]:
        raise _refusal(key, text, list(option["choices"]))
    pattern = unlisted.get("validation_regex")
    told = unlisted.get("validation_message") or f"it must match {pattern}"
    if not isinstance(text, str) or (pattern and not re.fullmatch(pattern, text)):
        raise SpawnError(
            f"{text!r} cannot be chosen for {option['display_name']!r}: {told.rstrip('.')}.",
            status_code=_HTTP_BAD_REQUEST,
        )
    if re.search(r"[{}\x00-\x1f]", text):
        raise SpawnError(
            f"{text!r} cannot be chosen for {option['display_name']!r}: it holds braces or control "
            "characters; remove them.",
            status_code=_HTTP_BAD_REQUEST,
        )
    return text


def _with_value(override: Any, value: str) -> Any:
    """Put what the user wrote in place of each `{value}`; other fields stay for later."""
    if isinstance(override, str):
        return type(override)(override.replace("{value}", value))
    if isinstance(override, Mapping):
        return {key: _with_value(item, value) for key, item in override.items()}
    if isinstance(override, list | tuple):
        return [_with_value(item, value) for item in override]
    return override


def _refusal(what: str, choice: Any, possible: Sequence[str]) -> SpawnError:
    return SpawnError(
        f"{choice!r} cannot be chosen for {what}; choose one of: {', '.join(possible)}.",
        status_code=_HTTP_BAD_REQUEST,
    )
