"""The policy's file: TOML, the YAML of before, what is wrong with it, and its schema."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from swarmhub_operator import policyfile
from swarmhub_operator.decide.policy import Policy

OPERATOR = Path(policyfile.__file__).parents[1]
DOCS = OPERATOR.parent / "docs"

TOML = """
allowed_images = ["quay.io/*"]
[notebook.memory]
default = "1G"
max = 4294967296
[[allowed_binds]]
path = "/srv/data"
[restart]
budget = 2
"""


def test_both_forms_mean_the_same(tmp_path: Path) -> None:
    """Whatever the file is called: a Docker config has no suffix."""
    for number, text in enumerate((TOML, yaml.safe_dump(tomllib.loads(TOML)))):
        file = tmp_path / str(number)
        file.write_text(text)
        policy = policyfile.load(file)
        assert policy.notebook.memory.default == 2**30
        assert policy.notebook.memory.max == 2**32
        assert policy.allowed_binds[0].read_only
        assert policy.restart.budget == 2


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
def test_nothing_is_the_defaults(text: str) -> None:
    """So is /dev/null."""
    assert policyfile.parse(text, "x") == Policy()
    assert policyfile.load(Path("/dev/null")) == Policy()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("allowed_image = ['*']", "allowed_image: there is no such key (perhaps allowed_images"),
        ("[restart]\nbudgt = 1", "restart.budgt: there is no such key (perhaps budget"),
        ("[notebook.memory]\nmax = '2 apples'", "notebook.memory.max: '2 apples' is no amount"),
        ("[notebook.memory]\nmax = '1G'\ndefault = '2G'", "notebook.memory: the default"),
        ("[[allowed_binds]]\npath = '/etc'", "allowed_binds.0: the path /etc is the node's own"),
        ("allowed_networks = ['host']", "allowed_networks.0: host is the engine's own"),
        ("allowed_images = [", "cannot be read as TOML"),
        ("just words", "cannot be read as TOML"),
    ],
)
def test_a_problem_names_its_key(text: str, words: str) -> None:
    """One sentence each."""
    with pytest.raises(policyfile.PolicyFileError) as caught:
        policyfile.parse(text, "policy.toml")
    assert words in caught.value.problems[0]
    assert caught.value.problems[0].endswith(".")


def test_all_problems_are_told() -> None:
    """Not one at a time."""
    with pytest.raises(policyfile.PolicyFileError) as caught:
        policyfile.parse("a = 1\nallow_root = 'perhaps'\n", "x")
    assert len(caught.value.problems) == 2


def test_the_schema_is_current() -> None:
    """`python -m swarmhub_operator.policyfile` would change nothing."""
    committed = (OPERATOR / "schema/policy.json").read_text()
    assert committed == policyfile.schema(), "run `python -m swarmhub_operator.policyfile`"


def test_the_documented_policies_are_right() -> None:
    """The examples can be used as they are, and every key is explained."""
    text = (DOCS / "policy.md").read_text()
    examples = [block.partition("\n```")[0] for block in text.split("```toml\n")[1:]]
    assert len(examples) == 2
    for example in examples:
        policyfile.parse(example, "docs/policy.md")
    document = json.loads(policyfile.schema())
    parts = (document, *document["$defs"].values())
    keys = {key for part in parts for key in part["properties"]}
    assert {key for key in keys if not re.search(rf"`(\w+\.)?{key}`", text)} == set()
