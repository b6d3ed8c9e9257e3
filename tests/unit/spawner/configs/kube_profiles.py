"""A hub in the manner of zero-to-jupyterhub: profiles with options, resources, labels."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.spawner_class = "swarmhub"
c.SwarmHubSpawner.network_name = "swarmhub_notebooks"
c.KubeSpawner.image = "quay.io/jupyterhub/k8s-singleuser-sample:4.0.0"
c.KubeSpawner.image_pull_policy = "IfNotPresent"
c.KubeSpawner.uid = 1000
c.KubeSpawner.gid = 100
c.KubeSpawner.supplemental_gids = [2000]
c.KubeSpawner.mem_guarantee = "1G"
c.KubeSpawner.cpu_guarantee = 0.5
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.delete_pvc = False
c.KubeSpawner.privileged = False
c.KubeSpawner.allow_privilege_escalation = False
c.KubeSpawner.events_enabled = True
c.KubeSpawner.volumes = {"claim-{username}": "/home/jovyan"}
c.KubeSpawner.extra_labels = {"hub.jupyter.org/user": "{username}"}
c.KubeSpawner.node_selector = {"pool": "users"}
c.KubeSpawner.environment = {"KEEP": "1", "DROP": "1", "WHO": "{username}", "JSON": "{{}}"}
c.KubeSpawner.default_url = "/lab"
c.KubeSpawner.profile_list = [
    {
        "display_name": "Small: 1 core",
        "description": "For the first steps.",
        "default": True,
        "kubespawner_override": {"cpu_limit": 1, "mem_limit": "1G"},
    },
    {
        "display_name": "Own image",
        "slug": "own",
        "kubespawner_override": {
            "environment": {"DROP": None, "MORE": "2 of {user_server}"},
            "cpu_limit": lambda spawner: 2.5,
        },
        "profile_options": {
            "image": {
                "display_name": "Image",
                "choices": {
                    "base": {
                        "display_name": "Base",
                        "kubespawner_override": {"image": "quay.io/jupyter/base-notebook:latest"},
                    },
                    "minimal": {
                        "display_name": "Minimal",
                        "default": True,
                        "spawner_override": {"image": "quay.io/jupyter/minimal-notebook:latest"},
                    },
                },
                "unlisted_choice": {
                    "enabled": True,
                    "display_name": "Other image",
                    "validation_regex": "^pangeo/.+:.+$",
                    "validation_message": "Must be an image of pangeo, with a tag",
                    "kubespawner_override": {
                        "image": "{value}",
                        "extra_labels": {"chosen": "{value}", "by": "{username}"},
                    },
                },
            },
            "gpu": {
                "display_name": "GPU",
                "choices": {
                    "none": {"display_name": "None"},
                    "one": {
                        "display_name": "One",
                        "kubespawner_override": {
                            "extra_resource_limits": {"nvidia.com/NVIDIA-GPU": "1"}
                        },
                    },
                },
            },
        },
    },
]
