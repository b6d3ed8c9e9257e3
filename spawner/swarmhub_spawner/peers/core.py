"""The options of JupyterHub's own Spawner."""

from __future__ import annotations

from typing import Final

from swarmhub_spawner.peers.option import PeerOption, same

CORE: Final[tuple[PeerOption, ...]] = (
    same("apply_user_options", "Profiles and images are applied after it, and after the hooks."),
    same("args"),
    same("auth_state_hook"),
    same("cmd", "Default: jupyterhub-singleuser."),
    same("consecutive_failure_limit"),
    same("cpu_guarantee", "Also a callable."),
    same("cpu_limit", "Also a callable."),
    same("debug"),
    same("default_url"),
    same("disable_user_config"),
    same("env_keep", "Default: nothing."),
    same(
        "environment",
        "Fields such as {username} are filled in texts of c.KubeSpawner and kubespawner_override.",
    ),
    same("group_overrides", "Names that are no options are refused."),
    same("http_timeout", "Default: 300."),
    same("hub_connect_url"),
    same("ip", "Default: 0.0.0.0."),
    same("mem_guarantee", "Also a callable."),
    same("mem_limit", "Also a callable."),
    same("notebook_dir", "Default: /home/jovyan/work."),
    same("oauth_client_allowed_scopes"),
    same("oauth_roles"),
    same("options_form"),
    same("options_from_form"),
    same("poll_interval", "Default: 10."),
    same("poll_jitter"),
    same("port", "Default: 8888."),
    same("post_stop_hook"),
    same("pre_spawn_hook"),
    same("progress_ready_hook"),
    same("server_token_scopes"),
    same("ssl_alt_names"),
    same("ssl_alt_names_include_local"),
    same("start_timeout", "Default: 300."),
)
