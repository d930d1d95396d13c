# The front door. `make demo` and `make test` do all the set-up they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
WORKERS := $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)# tests wait for processes as often as they compute
BUNDLE := server_ext/jupyter_mlplat_server/labextension
.PHONY: help setup browser torch wrk demo lab test test-python test-js check format bench clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), f"Python 3.11 or newer is needed, found {sys.version.split()[0]}. Say which one: make PYTHON=python3.12 …"'
	@command -v node >/dev/null || { echo "Node.js 20 or newer is needed to build the side panel, none was found on PATH."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.dependencies: pyproject.toml | $(BIN)/uv
	$(BIN)/python .ci/requirements.py > $(VENV)/requirements.txt
	$(UV) -r $(VENV)/requirements.txt
	@touch $@

node_modules/.yarn-state.yml: package.json yarn.lock $(VENV)/.dependencies
	$(BIN)/jlpm install --immutable
	@touch $@

$(BUNDLE)/static/style.js: node_modules/.yarn-state.yml $(shell find labextension/src labextension/style labextension/schema -type f)
	$(BIN)/jlpm build:prod
	@touch $@

$(VENV)/.installed: $(BUNDLE)/static/style.js $(VENV)/.dependencies
	SKIP_JUPYTER_BUILDER=1 $(UV) --no-deps --editable .
	$(BIN)/jupyter-builder develop . --overwrite >/dev/null
	@touch $@

setup: $(VENV)/.installed ## install everything into .venv and build the side panel

browser: # Debian's chromium drives the tests of the panel
	@command -v chromium >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; }

demo: setup ## run the example notebook as a pipeline, register and deploy its model, ask it for a prediction
	$(BIN)/python examples/demo.py

lab: setup ## open JupyterLab on the examples
	$(BIN)/jupyter lab --notebook-dir=examples $(if $(filter 0,$(shell id -u)),--allow-root)

check: setup ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/jlpm lint:check

torch: setup # the CPU build where a wheel of it is at hand; elsewhere pip gives up at once, and what needs it is skipped
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0+cpu" >/dev/null 2>&1 || echo "No wheel of torch is at hand: tests that need it are skipped."

# The browser's event loop bears no other beside it: the panel's tests have a session of their own. Both wait as often as they compute, so they go at once.
PYTEST := $(BIN)/python -m pytest --dist loadfile --durations 40
PANEL_LOG := test-results/panel.log
test-python: setup torch browser
	@mkdir -p test-results
	@$(PYTEST) --numprocesses 2 --reruns 1 -r aR tests/ui >$(PANEL_LOG) 2>&1 & panel=$$!; \
	trap 'kill $$panel 2>/dev/null' INT TERM; \
	status=0; $(PYTEST) --numprocesses $(WORKERS) --ignore tests/ui || status=$$?; \
	wait $$panel || status=$$?; \
	cat $(PANEL_LOG); exit $$status

test-js: setup
	$(BIN)/jlpm test

test: setup browser ## all checks and all tests
	+$(MAKE) --jobs 2 --no-print-directory check test-js test-python

wrk: # loads the model servers
	@command -v wrk >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq wrk >/dev/null; }

bench: setup wrk browser ## measure against the peers (installs each into its own environment below .bench/)
	$(BIN)/python -m benchmarks

format: setup ## let the tools format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/jlpm lint

clean: ## remove what was built and installed here
	rm -rf $(VENV) node_modules labextension/lib $(BUNDLE) dist build .bench
