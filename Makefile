# `make help` says what there is. Recipes are one line each: the work is in images/bin and tests/support.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --frozen
SCRIPTS := $(wildcard images/bin/* images/lib/*.sh) images/base/make images/proxy/start images/proxy/install \
  images/registry/start images/registry/install images/singleuser/start images/singleuser/install tests/support/prepare \
  $(wildcard tests/support/*.sh) .ci/run
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help up down status logs images lint format test prepare clean

help: ## this list
	@echo 'swarmhub: JupyterHub on Docker Swarm'; echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1 \t\2/' | expand -t 18
	@printf '%s\n' '' 'Settings, given as "make up NAME=value":' \
	  '  SWARMHUB_PORT           port of the login page (8000)' \
	  '  SWARMHUB_ADDRESS        address by which this host reaches that port (127.0.0.1)' \
	  '  HUB_CONFIG              JupyterHub configuration file of your own, used from then on ("default": none again)' \
	  '  OPERATOR_POLICY         policy file of your own for the operator, likewise' \
	  '  DOCKER_HOST             engine to use (the default socket)' \
	  '  SWARMHUB_REGISTRY_PORT  port of the private registry on the engine (5000)' \
	  '  SWARMHUB_ADVERTISE_ADDR address of a new Swarm (chosen)' \
	  '  SWARMHUB_SUBNET         address block of the notebooks (10.213.0.0/20)' \
	  '  SWARMHUB_BASES=debian   build on Debian without trying the community images; more in docs/images.md' \
	  '  SERVICE                 for make logs: proxy, hub, operator or registry, and go on showing'

up: ## start everything, from an engine to a working login; repeat it freely
	@images/bin/up

down: ## stop everything; homes, state, users and passwords stay
	@images/bin/down

status: ## what runs
	@images/bin/status

logs: ## last words of every service, or SERVICE=hub to follow one
	@images/bin/logs $(SERVICE)

images: ## build the five images, without starting anything
	@images/bin/images

lint: prepare ## ruff, mypy, import-linter, shellcheck
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) shellcheck $(SCRIPTS)

format: prepare ## put the Python files into the one style
	$(RUN) ruff check --fix
	$(RUN) ruff format

test: prepare ## everything (the spawner with JupyterHub 5 and 6), on throw-away Swarms that it starts and removes (root)
	tests/support/prepare engine browser
	UV_PROJECT_ENVIRONMENT=.venv-hub5 $(RUN) --no-default-groups --group dev --group hub5 pytest -q tests/unit/spawner
	$(RUN) pytest $(PYTEST_ARGS)

prepare: ## the tools of lint and test: uv and the locked environment in .venv
	@tests/support/prepare uv

clean: ## remove caches and test output; nothing that runs, no image, no home
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/output
