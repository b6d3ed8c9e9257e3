"""A site's own files: loaded on trial, and beside what the stack needs."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import pytest
from swarmhub_hub import trial
from swarmhub_hub.configure import configure
from swarmhub_hub.people import settle
from swarmhub_hub.reading import SettingError, Settings
from swarmhub_hub.sitefiles import keep, ours, site_files
from traitlets.config import Config
from unit.hub.site import ELSEWHERE, settings

SHARED = "jupyterhub.authenticators.shared.SharedPasswordAuthenticator"


def _tried(folder: Path, text: str, given: Settings | None = None) -> tuple[Config, list[str]]:
    (folder / "own.py").write_text(text)
    given = given or settings()
    config = configure(given)
    return config, trial.load(config, given, folder)


def test_files_and_archives_in_order(tmp_path: Path) -> None:
    """What else lies there is not loaded."""
    for name in ("20-b.py", "10-a.py", "notes.txt"):
        (tmp_path / name).write_text("")
    with tarfile.open(tmp_path / "site.tar", "w") as archive:
        archive.add(tmp_path / "10-a.py", "30-c.py")
    assert [file.name for file in site_files(tmp_path)] == ["10-a.py", "20-b.py", "30-c.py"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("import os\nc.JupyterHub.hub_ip = os.environ['HUB_IP']", "own.py of HUB_CONFIG fails in "),
        ("import no_such_module", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("c.Spawner.cmd = cmd", "own.py of HUB_CONFIG fails in line 1: NameError: name 'cmd'"),
        ("raise SystemExit", "fails in line 1: SystemExit"),
        ("c.JupyterHub.spawner_class = 'dockerspawner.DockerSpawner'", "leave that line out"),
        ("c.JupyterHub.spawner_class = 'docker-swarm'", "leave that line out"),
        ("c.JupyterHub.spawner_class = 'simple'", "leave that line out"),
        ("c.DockerSpawner.extra_host_config = {'runtime': 'nvidia'}", "'runtime' cannot be chosen"),
        ("c.KubeSpawner.mem_limt = '1G'", "did you mean mem_limit?"),
        ("c.SwarmHubSpawner.volumes = {'home-{usr}': '/home'}", "{usr} in 'home-{usr}'"),
        ("c.JupyterHub.base_url = '/jupyter'", "the hub of this stack is always at /"),
        ("c.JupyterHub.bind_url = 'http://:8000/jupyter/'", "c.JupyterHub.bind_url = "),
        ("c.DockerSpawner.extra_host_config = {'network_mode': 'host'}", "network_mode 'host'"),
    ],
)
def test_what_would_end_the_hub_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """In the file's own words, with its line."""
    with pytest.raises(SettingError) as refused:
        _tried(tmp_path, text)
    assert named in str(refused.value)


def test_a_file_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold up the hub as well, even if it swallows every exception."""
    monkeypatch.setattr(trial, "WITHIN_S", 1)
    text = "while True:\n    try:\n        pass\n    except Exception:\n        pass\n"
    with pytest.raises(SettingError, match="has not come to its end after 1 s"):
        _tried(tmp_path, text)


def test_what_only_the_hub_has_is_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files of its secrets and volumes, a network; and what a file prints is no line of ours."""
    text = "print('hello')\nopen('/run/secrets/no-such-secret')"
    _, notes = _tried(tmp_path, text)
    assert "own.py of HUB_CONFIG was not tried out to its end in line 2: FileNotF" in notes[0]
    assert capsys.readouterr().out == ""
    for line in (
        "import sys; sys.path.insert(0, '/srv/swarmhub/hub/lib'); import sitehooks",
        "raise RuntimeError('the directory does\\nnot answer')",
        "{}['course']",
    ):
        before = list(sys.path)
        _, notes = _tried(tmp_path, line)
        assert "was not tried out to its end in line 1" in notes[0]
        assert "\n" not in notes[0]
        assert sys.path == before
    assert _tried(tmp_path, "import asyncio\nasyncio.get_running_loop()")[1] == []


def test_files_that_a_hub_runs_with_are_refused_no_more(tmp_path: Path) -> None:
    """What fails then lies in the trial; what the spawner cannot carry out ends the hub anyway."""
    (tmp_path / "own.py").write_text("import no_such_module")
    (note,) = trial.load(configure(settings()), settings(), tmp_path, known=True)
    assert "no_such_module" in note
    (tmp_path / "own.py").write_text("c.KubeSpawner.mem_limt = '1G'")
    with pytest.raises(SettingError, match="did you mean mem_limit"):
        trial.load(configure(settings()), settings(), tmp_path, known=True)


def test_what_the_stack_has_settled_is_pointed_out(tmp_path: Path) -> None:
    """A file of another hub often names its own addresses."""
    text = "c.JupyterHub.hub_connect_ip = 'jupyterhub'\nc.ConfigurableHTTPProxy.should_start = True"
    _, notes = _tried(tmp_path, text)
    assert "c.JupyterHub.hub_connect_ip, c.ConfigurableHTTPProxy.should_start" in notes[0]
    assert _tried(tmp_path, "c.JupyterHub.allow_named_servers = False")[1] == []


@pytest.mark.parametrize("section", ["DockerSpawner", "SwarmSpawner"])
@pytest.mark.parametrize("change", [" = {'network_mode': N}", ".update({'network_mode': N})"])
def test_the_network_of_another_hub_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, change: str
) -> None:
    """Under both names that such files have for it; and that is told."""
    monkeypatch.setenv("SWARMHUB_NETWORK", "swarmhub_notebooks")
    text = f"N = 'jupyterhub'\nc.{section}.network_name = N\nc.{section}.extra_host_config{change}"
    config, notes = _tried(tmp_path, text)
    assert f"c.{section}.network_name, which the stack has set" in notes[0]
    assert config.SwarmHubSpawner.network_name == "swarmhub_notebooks"
    assert config[section].extra_host_config == {}


def test_a_network_of_ones_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes it for this spawner means it."""
    monkeypatch.setenv("SWARMHUB_NETWORK", "swarmhub_notebooks")
    text = "c.SwarmHubSpawner.network_name = 'mine'\nc.JupyterHub.base_url = '/'"
    assert _tried(tmp_path, text)[0].SwarmHubSpawner.network_name == "mine"


def test_a_list_of_services_keeps_the_stacks_own(tmp_path: Path) -> None:
    """Whether a file replaces the list or adds to it; its own of the same name counts."""
    culling = settings({"CULL_TIMEOUT": "3600"})
    for text, names in (
        ("c.JupyterHub.services = [{'name': 'metrics'}]", ["idle-culler", "metrics"]),
        ("c.JupyterHub.services.append({'name': 'metrics'})", ["idle-culler", "metrics"]),
        ("c.JupyterHub.services = [{'name': 'idle-culler', 'url': 'x'}]", ["idle-culler"]),
        ("c.JupyterHub.load_roles = []", ["idle-culler"]),
    ):
        config, _ = _tried(tmp_path, text, culling)
        assert [service["name"] for service in config.JupyterHub.services] == names
        assert [role["name"] for role in config.JupyterHub.load_roles] == ["idle-culler"]
    assert config.JupyterHub.services[0]["command"]


def test_what_is_added_to_no_list_is_a_list(tmp_path: Path) -> None:
    """Without culling the trial has no services of the stack."""
    for text, found in (
        ("c.JupyterHub.services.append({'name': 'x'})", [{"name": "x"}]),
        ("c.JupyterHub.services = None", []),
    ):
        config, _ = _tried(tmp_path, text)
        assert config.JupyterHub.services == found


@pytest.mark.parametrize(
    ("text", "allow_all", "admins"),
    [
        ("", True, {"admin"}),
        ("c.Authenticator.allowed_users = {'ada'}", None, {"admin"}),
        ("c.SharedPasswordAuthenticator.allowed_users = {'ada'}", None, {"admin"}),
        ("c.Authenticator.allow_all = False", False, {"admin"}),
        ("c.Authenticator.admin_users = {'ada'}", True, {"ada"}),
        ("c.Authenticator.admin_users.add('ada')", True, {"admin", "ada"}),
        ("c.Authenticator.admin_users = set()", True, set()),
        ("c.Authenticator.whitelist = {'ada'}", None, {"admin"}),
        ("c.PAMAuthenticator.allowed_groups = {'staff'}", True, {"admin"}),
        (f"c.JupyterHub.authenticator_class = '{SHARED}'", True, {"admin"}),
        ("c.JupyterHub.authenticator_class = 'globus'", None, None),
        ("c.JupyterHub.authenticator_class = 'globus'\nc.Authenticator.allow_all = True", 1, None),
    ],
)
def test_who_may_come_in(
    tmp_path: Path, text: str, allow_all: bool | None, admins: set[str] | None
) -> None:
    """What is right for a password that was handed out opens no hub of another authenticator."""
    config, _ = _tried(tmp_path, text)
    assert config.Authenticator.get("allow_all") == allow_all
    assert config.Authenticator.get("admin_users") == admins


def test_options_of_an_authenticator_that_let_in_nobody(tmp_path: Path) -> None:
    """They begin with the same word, and leave everybody in whom the login lets in."""
    native = settings({"AUTH": "native", "ADMIN_USERS": "ada"})
    config, notes = _tried(tmp_path, "c.NativeAuthenticator.allow_2fa = True", native)
    assert config.Authenticator.allow_all
    assert notes == []


def test_administrators_of_the_class_beside_the_usual_one(tmp_path: Path) -> None:
    """What is added goes beside what would be there."""
    config, _ = _tried(tmp_path, "c.SharedPasswordAuthenticator.admin_users.add('ada')")
    assert config.SharedPasswordAuthenticator.admin_users == {"admin", "ada"}
    assert "admin_users" not in config.Authenticator


def test_a_login_that_lets_in_nobody_is_told(tmp_path: Path) -> None:
    """Whoever relied on the password's rule reads what to set."""
    text = "c.JupyterHub.authenticator_class = 'globus'"
    (note,) = _tried(tmp_path, text)[1]
    assert "nothing says who may log in by GlobusOAuthenticator" in note
    assert _tried(tmp_path, f"{text}\nc.Authenticator.allowed_users = {{'ada'}}")[1] == []


def test_what_settings_say_holds_for_any_authenticator() -> None:
    """A list of those who may come in was given by a person."""
    given = settings({"ALLOWED_USERS": "ada", "ADMIN_USERS": "bob"})
    config = configure(given)
    config.JupyterHub.authenticator_class = "globus"
    settle(config, given)
    assert config.Authenticator.allowed_users == {"ada"}
    assert config.Authenticator.admin_users == {"bob"}
    assert "allow_all" not in config.Authenticator


def test_other_logins_get_no_administrator() -> None:
    """There is nobody called admin at a provider."""
    given = settings(ELSEWHERE, oauth_client_secret="hush")
    config = configure(given)
    settle(config, given)
    assert "admin_users" not in config.Authenticator
    assert not config.Authenticator.get("allow_all")


def test_the_stacks_own_come_first() -> None:
    """So that what a site adds can refer to them."""
    config = Config()
    config.JupyterHub.services = [{"name": "proxy"}]
    needed = ours(config)
    config.JupyterHub.services = [{"name": "x"}]
    keep(config, needed)
    assert config.JupyterHub.services == [{"name": "proxy"}, {"name": "x"}]
