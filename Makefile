.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo run check test bench openapi lock clean

help: ## What you can do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.dev ## Make the environment with everything for developers

demo: .venv/.product ## Start the register and play the whole story on it (ARGS=--exit stops after the table)
	@$(BIN)/registry demo --data var/demo $(ARGS)

run: .venv/.product ## Start the register on this machine, until Ctrl-C
	@$(BIN)/registry up --data var/registry $(ARGS)

check: .venv/.dev .venv/.node ## Format, lint, types, imports, contract, migrations, tree
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/codebase

test: .venv/.dev .venv/.node ## All tests, on a real PostgreSQL and a real S3
	$(BIN)/pytest -m "not alone" $(ARGS)
	$(BIN)/pytest -m alone -n 0 $(ARGS) || [ $$? -eq 5 ]  # 5: ARGS leave none of them

bench: .venv/.dev ## Performance figures, beside a baseline measured in the same run
	$(BIN)/python -m tests.bench $(ARGS)

openapi: .venv/.product ## Write openapi.yaml from the code
	$(BIN)/python -m api.openapi > openapi.yaml

lock: ## Pin the dependencies anew, with hashes
	echo 'setuptools>=80' | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra embedded pyproject.toml - -o requirements.lock $(ARGS)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra embedded --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock $(ARGS)

clean: ## Remove the environment and what the demo kept; var/registry stays
	rm -rf .venv var/demo tests/contract/node_modules tests/oidc/node_modules tests/tus/node_modules

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'The register needs Python 3.11 or newer: set PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo 'Python cannot make environments here: run  apt install python3-venv'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.product: .venv/bin/pip requirements.lock pyproject.toml
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-build-isolation --no-deps --no-index -e .
	@touch $@

.venv/.dev: .venv/.product requirements-dev.lock
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.node: .venv/bin/pip tests/contract/package-lock.json tests/oidc/package-lock.json tests/tus/package-lock.json tests/openrosa/package-lock.json
	@if ! command -v npm >/dev/null; then echo 'skipped: the API linter, the OpenID provider and the upload clients of the tests, there is no node here'; exit 0; fi; \
	for folder in tests/contract tests/oidc tests/tus tests/openrosa; do npm ci --silent --no-audit --no-fund --prefix $$folder || exit 1; done
	@touch $@
