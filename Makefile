# Short names for what the README tells. Nothing here needs root; everything is installed into .venv from locks/ with hashes.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
ROOMS := schema agent collector dashboards alerts demo
PEERS := mlflow nannyml phoenix river whylogs
UV_INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps

.PHONY: help demo test check setup bench lock reports grafana pictures slow generate clean zipapp fuzz
.DEFAULT_GOAL := help

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|'

demo: .venv/.demo  ## start agent, collector, a real model server and its traffic; Ctrl-C ends all
	@exec $(BIN)/tocsin up --demo

setup: .venv/.demo  ## the environment only

test: .venv/.test .venv-reports/.ready  ## every test, the fast ones first
	@exec $(BIN)/python -m tests.run

check: .venv/.test  ## format, lint, types, directions of import, generated files fresh
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.generated --check

generate: .venv/.test  ## write the generated boards, rules and reference pages again
	$(BIN)/python -m tests.generated

bench: .venv/.test .venv-reports/.ready .venv-nvitop/.ready $(PEERS:%=.venv-%/.ready)  ## tocsin and its peers side by side; only=NAME for one
	@exec $(BIN)/python -m tests.bench $(only)

grafana: .venv/.test  ## build the real Grafana that the tests run against (8 minutes once, needs Go and gcc)
	@exec $(BIN)/python -m tests.servers.grafana

pictures: .venv/.test  ## take the documentation's pictures anew (5 minutes; the real servers and Chromium)
	@exec $(BIN)/python -m tests.pictures

# What these need is Debian's, and root: images and a booted systemd cannot be had without.
SLOW_TOOLS := buildah crun debootstrap systemd-container
slow: .venv/.test .venv-spark/.ready  ## images built and run, units booted, manifests on a real Kubernetes API server (root; minutes, the first time 20)
	@for tool in buildah crun debootstrap systemd-nspawn; do command -v $$tool >/dev/null || lacking=yes; done; \
	if [ "$$lacking" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SLOW_TOOLS) >/dev/null; fi
	@exec $(BIN)/python -m pytest -q -m slow -r fEs

zipapp: .venv/.test  ## dist/tocsin-agent.pyz: the agent in one file, for any host with Python 3.11 or newer
	@$(BIN)/python agent/onefile.py dist/tocsin-agent.pyz

fuzz: .venv/.test  ## a million odd requests each against the agent's parser and the collector's ways in (20 minutes)
	@$(BIN)/python -m tests.agent.httpd.fuzz 1000000
	@exec $(BIN)/python -m tests.collector.ingest.fuzz 1000000

reports: .venv-reports/.ready  ## the environment of the extra `reports` (Evidently, 0.7 GB)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "tocsin needs Python 3.11 or newer with venv: apt install python3-venv, or set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; echo "the module venv is incomplete: apt install python3-venv"; exit 1; }

.venv/.build: locks/build.lock | .venv/bin/python
	@echo "setting up .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r locks/build.lock
	@touch $@

.venv/.rooms: .venv/.build $(ROOMS:%=%/pyproject.toml)
	@$(UV_INSTALL) $(ROOMS:%=-e %)
	@touch $@

.venv/.demo: locks/demo.lock .venv/.rooms
	@$(UV_INSTALL) --require-hashes -r locks/demo.lock
	@touch $@

.venv/.test: locks/test.lock .venv/.demo
	@echo "setting up the tools of the tests"
	@$(UV_INSTALL) --require-hashes -r locks/test.lock
	@touch $@

.venv-reports/.ready: locks/reports.lock .venv/.build
	@echo "setting up .venv-reports (Evidently, 0.7 GB)"
	@$(BIN)/python -m venv --clear --without-pip .venv-reports
	@$(BIN)/uv pip install --quiet --python .venv-reports/bin/python --no-deps --require-hashes -r locks/reports.lock
	@touch $@

.venv-nvitop/.ready: locks/nvitop.lock .venv/.build
	@echo "setting up .venv-nvitop (a peer of the benches)"
	@$(BIN)/python -m venv --clear --without-pip .venv-nvitop
	@$(BIN)/uv pip install --quiet --python .venv-nvitop/bin/python --no-deps --require-hashes -r locks/nvitop.lock
	@touch $@

$(PEERS:%=.venv-%/.ready): .venv-%/.ready: locks/%.lock .venv/.build
	@echo "setting up .venv-$* (a peer of the benches, up to 0.8 GB)"
	@$(BIN)/python -m venv --clear --without-pip .venv-$*
	@$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --no-deps --require-hashes -r locks/$*.lock
	@touch $@

# Spark is no wheel, so it is built by what .venv has, and it is a folder beside its packages.
.venv-spark/.ready: locks/spark.lock .venv/.build
	@echo "setting up .venv-spark (reads Parquet files in make slow, 0.5 GB)"
	@rm -rf .venv-spark
	@$(UV_INSTALL) --target .venv-spark --require-hashes -r locks/spark.lock
	@touch $@

# One resolution, one lock file a purpose, with hashes and without addresses.
EXPORT := $(BIN)/uv export --quiet --no-emit-workspace --no-annotate --no-header --format requirements-txt
lock: .venv/.build  ## resolve anew and write locks/
	$(BIN)/uv lock --upgrade
	$(EXPORT) --only-group build > locks/build.lock
	$(EXPORT) --extra demo --prune pandas > locks/demo.lock
	$(EXPORT) --extra demo --extra arrow --extra elasticsearch --extra otlp --extra parquet --extra zstd --prune pandas --group test --group check --group bench > locks/test.lock
	$(EXPORT) --extra reports > locks/reports.lock
	$(EXPORT) --only-group nvitop > locks/nvitop.lock
	$(EXPORT) --only-group nannyml --prune nvidia-nccl-cu12 --prune kaleido --prune gcsfs > locks/nannyml.lock
	for peer in mlflow phoenix river spark whylogs; do $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header \
		--no-annotate --python-version 3.11 locks/$$peer.in -o locks/$$peer.lock || exit 1; done

clean:  ## remove what was installed and generated here
	rm -rf .venv .venv-reports .venv-nvitop $(PEERS:%=.venv-%) .venv-spark .mypy_cache .ruff_cache .hypothesis
