"""The file of secrets, whatever a user's variables hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from swarmhub_crds import secretenv
from swarmhub_operator.decide.build import secret_file

PEM = "-----BEGIN X-----\nAAAA\n-----END X-----\n"
VALUES = st.text() | st.lists(
    st.sampled_from(["\n", "-----", "-----BEGIN X-----", "-----END X-----", "'", "\\", "\r", "A"])
).map("".join)


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), VALUES, max_size=4))
def test_no_variable_passes_for_a_certificate(environment: dict[str, str]) -> None:
    """Only the TLS part has lines that begin as PEM does, and it is there as it was given."""
    file = secret_file({**environment, secretenv.TLS: PEM}).decode()
    marks = [line for line in file.split("\n") if line.startswith("-----")]
    assert marks == ["-----BEGIN X-----", "-----END X-----"]
    assert f"\n{PEM}" in file


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), VALUES, max_size=4))
def test_a_shell_would_read_each_value_as_it_was(environment: dict[str, str]) -> None:
    """Seen by taking the quotes away as `sh` does."""
    file = secret_file(environment).decode()
    for key in sorted(environment):
        assert file.startswith(f"{key}=")
        value, file = unquoted(file.removeprefix(f"{key}="))
        assert value == environment[key]
    assert file == ""


def unquoted(text: str) -> tuple[str, str]:
    """Return the first word of a line of `sh`, which is quoted, and what follows the line."""
    word = ""
    while not text.startswith("\n"):
        if text.startswith("\\"):
            word, text = word + text[1], text[2:]
            continue
        assert text.startswith("'")
        inside, _, text = text[1:].partition("'")
        word += inside
    return word, text[1:]
