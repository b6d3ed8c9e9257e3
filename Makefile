# `make help` says what there is. Recipes are one line each: the work is in images/bin and tests/support.
UV := $(shell command -v uv 2>/dev/null || echo $(CURDIR)/.uv/bin/uv)
RUN := $(UV) run --frozen
SCRIPTS := $(wildcard images/bin/* images/lib/*.sh) images/base/make images/proxy/start images/proxy/tls images/proxy/install \
  images/registry/start images/registry/install images/singleuser/start images/singleuser/install tests/support/prepare tests/support/side-by-side \
  $(wildcard tests/support/*.sh) .ci/run
PYTEST_ARGS ?=
# Those that share nothing run on all cores. Of the others, which mostly wait, two run at a time: the
# whole product, and all the rest, which ends with the simulations that use all cores themselves. What
# a browser shows of the page is the same under both versions of the hub.
APART := tests/unit tests/properties tests/simswarm tests/zoo
PARTS := tests/contract tests/survival tests/simulation
PRODUCT := tests/swarm
TOLD := --instafail --durations=25 # a failure is told at once: the rest takes half an hour
N ?= 3
KEEP ?=
NODE ?=
DO ?=
MINUTES ?= 30
SOAK ?= 3
ROUNDS ?= 10
SCENARIOS ?=
BEFORE ?=

.DEFAULT_GOAL := help
.PHONY: help up down status logs images worker cluster cluster-node cluster-down lint format test soak bench bench-check prepare clean

help: ## this list
	@echo 'swarmhub: JupyterHub on Docker Swarm'; echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1 \t\2/' | expand -t 21
	@printf '%s\n' '' 'Settings, given as "make up NAME=value":' \
	  '  SWARMHUB_PORT                port of the login page (8000); kept, too' \
	  '  SWARMHUB_ADDRESS             address by which this host reaches that port (127.0.0.1); kept, too' \
	  '  HUB_SETTINGS                 file of settings for hub and proxy, one NAME=value a line: login, people, TLS, limits,' \
	  '                               culling; each may be given here too, and all are kept for the next run; docs/hub.md' \
	  '  HUB_CONFIG                   JupyterHub configuration file or folder of your own, used from then on ("default": none)' \
	  '  OPERATOR_POLICY              policy file of your own for the operator, likewise' \
	  '  REGISTRY_AUTH                logins at registries, as in ~/.docker/config.json, for the operator ("none": none again)' \
	  '  SWARMHUB_PREPULL_WAIT        seconds to watch the nodes pull images (300; 0: not at all)' \
	  '  INTERNAL_SSL=on              mutual TLS among hub, proxy and notebooks, from then on; off; renew: new authorities' \
	  '  DOCKER_HOST                  engine to use (the default socket)' \
	  '  SWARMHUB_REGISTRY_PORT       port of the private registry on the engine (5000)' \
	  '  SWARMHUB_REGISTRY_PULL_PORT  port from which other nodes pull, if there are any (5001)' \
	  '  SWARMHUB_ADVERTISE_ADDR      address of a new Swarm (chosen)' \
	  '  SWARMHUB_SUBNET              address block of the notebooks (10.213.0.0/20)' \
	  '  SWARMHUB_BASES=debian        build on Debian without trying the community images; more in docs/images.md' \
	  '  SERVICE                      for make logs: proxy, hub, operator or registry, and go on showing'

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

worker: ## on another machine: make it a worker, MANAGER=address TOKEN=token (root); docs/nodes.md
	@images/bin/worker

cluster: prepare ## a Swarm of N=3 nodes on this machine, to try things on (root); says how to use it
	@tests/support/prepare engine
	@cd tests && $(RUN) python -m localcluster up $(N)

cluster-node: prepare ## what happens to one of its nodes: NODE=node2 DO=kill, stop, start, cut-off or heal
	@$(if $(and $(NODE),$(DO)),,$(error Say which and what: make cluster-node NODE=node2 DO=kill))
	@cd tests && $(RUN) python -m localcluster node $(NODE) $(DO)

cluster-down: prepare ## the end of that Swarm and of all that is in it; KEEP=images keeps those for the next one
	@cd tests && $(RUN) python -m localcluster down $(if $(KEEP),--keep-images)

lint: prepare ## ruff, mypy, import-linter, shellcheck
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	PYTHONPATH=images/hub $(RUN) lint-imports
	$(RUN) shellcheck $(SCRIPTS)

format: prepare ## put the Python files into the one style
	$(RUN) ruff check --fix
	$(RUN) ruff format

test: prepare ## everything (the spawner with JupyterHub 5 and 6), on throw-away Swarms that it starts and removes (root)
	tests/support/prepare engine browser
	UV_PROJECT_ENVIRONMENT=.venv-hub5 $(RUN) --no-default-groups --group dev --group hub5 pytest -q -n auto --dist loadfile --ignore tests/unit/spawner/test_page_browser.py tests/unit/spawner
	$(RUN) pytest -n auto --dist loadfile $(TOLD) $(PYTEST_ARGS) $(APART)
	tests/support/side-by-side parts $(RUN) pytest $(TOLD) $(PYTEST_ARGS) $(PARTS) \
	  -- $(RUN) pytest $(TOLD) $(PYTEST_ARGS) $(PRODUCT)

soak: prepare ## more of the simulations, the bug zoo, then fresh seeds and a walk on three nodes, each for MINUTES=30
	tests/support/prepare engine
	SWARMHUB_SOAK=$(SOAK) $(RUN) pytest $(PYTEST_ARGS) tests/simulation
	cd tests && $(RUN) python -m zoo.check
	cd tests && $(RUN) python -m simulation.seeds $(MINUTES)
	cd tests && $(RUN) python -m walk $(MINUTES)

bench: prepare ## measure beside the bare engine and other spawners (idle machine, root): SCENARIOS=one ROUNDS=10
	tests/support/prepare engine
	PYTHONPATH=.:tests $(RUN) python -m bench run --rounds $(ROUNDS) $(SCENARIOS)
	PYTHONPATH=.:tests $(RUN) python -m bench write

bench-check: prepare ## what of the last measurement is over the budget; BEFORE=FILE: and what got worse
	@PYTHONPATH=.:tests $(RUN) python -m bench check $(if $(BEFORE),--before $(BEFORE))

prepare: ## the tools of lint and test: uv and the locked environment in .venv
	@tests/support/prepare uv

clean: ## remove caches and test output; nothing that runs, no image, no home
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/output
