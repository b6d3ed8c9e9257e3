"""Settings from the environment and the policy file."""

from __future__ import annotations

from pathlib import Path

import pytest
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.settings import DEFAULT_STATE_URL, Settings, SettingsError, read


def test_an_empty_environment_gives_the_defaults() -> None:
    """Nothing need be set."""
    assert read({}) == Settings()
    assert read({}).state_url == DEFAULT_STATE_URL


def test_each_setting_has_its_variable() -> None:
    """SWARMHUB_ and the name in capitals."""
    given = read(
        {
            "SWARMHUB_STATE_URL": "sqlite:////tmp/x.db",
            "SWARMHUB_WORKERS": "7",
            "SWARMHUB_LEASE_TTL": "2.5",
            "SWARMHUB_NETWORK": "net",
            "UNRELATED": "x",
        }
    )
    assert (given.state_url, given.workers, given.lease_ttl, given.network) == (
        "sqlite:////tmp/x.db",
        7,
        2.5,
        "net",
    )


def test_an_engine_elsewhere_is_no_local_one() -> None:
    """This machine's memory would not be that of its node."""
    assert read({}).has_local_engine
    assert not read({"DOCKER_HOST": "tcp://10.0.0.1:2376"}).has_local_engine


def test_an_empty_variable_is_no_value() -> None:
    """A stack file sets variables to nothing where none is wanted."""
    assert read({"SWARMHUB_WORKERS": "", "DOCKER_HOST": ""}) == Settings()


def test_dockers_own_variable_counts_and_ours_comes_first() -> None:
    """DOCKER_HOST is what people know."""
    assert read({"DOCKER_HOST": "unix:///x"}).docker_host == "unix:///x"
    both = {"DOCKER_HOST": "unix:///x", "SWARMHUB_DOCKER_HOST": "unix:///y"}
    assert read(both).docker_host == "unix:///y"


def test_the_policy_comes_from_its_file_alone(tmp_path: Path) -> None:
    """What the hub could set in an environment is not taken."""
    file = tmp_path / "policy.yaml"
    file.write_text("allowed_images: ['quay.io/*']\nrestart:\n  budget: 2\n")
    given = read({"SWARMHUB_POLICY_FILE": str(file), "SWARMHUB_POLICY": "x"}).policy
    assert given.allowed_images == ("quay.io/*",)
    assert given.restart.budget == 2
    assert given.sweep == Policy().sweep


def test_an_empty_policy_file_is_the_default(tmp_path: Path) -> None:
    """A file of comments only."""
    file = tmp_path / "policy.yaml"
    file.write_text("# nothing yet\n")
    assert read({"SWARMHUB_POLICY_FILE": str(file)}).policy == Policy()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("restart: {budget: -1}", "restart.budget"),
        ("allowed_image: ['*']", "allowed_image"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_wrong_policy_is_said_in_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    """A typing error must not open what it was to close."""
    file = tmp_path / "policy.yaml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=words) as caught:
        read({"SWARMHUB_POLICY_FILE": str(file)})
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SWARMHUB_WORKERS", "many", "workers"),
        ("SWARMHUB_WORKERS", "0", "workers"),
        ("SWARMHUB_HEALTH_PORT", "70000", "health_port"),
        ("SWARMHUB_METRICS_FROM", "monitoring", "metrics_from"),
        ("SWARMHUB_POLICY_FILE", "/nowhere/policy.yaml", "cannot be read"),
    ],
)
def test_a_wrong_setting_names_itself(variable: str, value: str, words: str) -> None:
    """One sentence, with the name of what is wrong."""
    with pytest.raises(SettingsError, match=words):
        read({variable: value})


def test_networks_of_scrapers_stand_with_commas_between() -> None:
    """Spaces do no harm."""
    found = read({"SWARMHUB_METRICS_FROM": "10.20.0.0/24, 192.0.2.7"}).metrics_from
    assert [str(network) for network in found] == ["10.20.0.0/24", "192.0.2.7/32"]
    assert read({"SWARMHUB_METRICS_FROM": ""}).metrics_from == ()
