# Everything a person or a machine runs. `make demo` and `make test` need nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TRANSOM_CORPORA ?= $(abspath ../shared/corpora)

.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

venv: $(VENV)/.installed ## the environment: locked dependencies and the project

$(VENV)/.installed: requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src
	@touch $@

demo: venv ## scan the bundled example estate and write its reports
	@mkdir -p build
	@$(BIN)/transom scan examples/shop -o table -o html=build/shop.html -o json=build/shop.json -o sarif=build/shop.sarif; \
	code=$$?; if [ $$code -gt 1 ]; then exit $$code; fi
	@$(BIN)/transom paths examples/shop -o html > build/paths.html; code=$$?; if [ $$code -gt 1 ]; then exit $$code; fi
	@echo "Reports: build/shop.html, build/paths.html, build/shop.json and build/shop.sarif"

test: venv ## every test; those that need a missing part say so and are skipped
	$(BIN)/python -m pytest -n auto

lint: venv ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

conformance: venv ## verdicts against the public corpora, a line for each
	$(BIN)/python tests/conformance

bench: venv ## CPU seconds and memory beside peers, in the same run
	$(BIN)/python -m bench

docs: venv ## write the pages of the rules
	$(BIN)/transom rules docs -o docs/rules

language: venv ## gather what is said into the catalogues of translations, and compile these
	$(BIN)/python -m tests.language

picture: venv ## draw the picture of the report in the README
	COLUMNS=110 FORCE_COLOR=1 LC_ALL=C.UTF-8 $(BIN)/transom scan examples/shop > build/report.txt || test $$? -eq 1
	(head -34 build/report.txt; echo "…"; tail -4 build/report.txt) | $(BIN)/python docs/pictures/terminal.py > docs/pictures/report.svg

cluster: venv ## a Kubernetes to play with, the example estate loaded, until Ctrl-C
	@PYTHONPATH=. $(BIN)/python -m tests.cluster

cluster-binary: venv ## build the Kubernetes that tests run against (with Go; minutes, once)
	PYTHONPATH=. $(BIN)/python tests/cluster/binary.py

COMPILE := build/lock-venv/bin/pip-compile --quiet --generate-hashes --strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --allow-unsafe --upgrade

lock: ## renew the locked dependencies
	$(PYTHON) -m venv build/lock-venv
	build/lock-venv/bin/pip install --quiet pip-tools
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --output-file requirements-dev.lock requirements-dev.in
	$(COMPILE) --output-file bench/requirements.lock bench/requirements.in

clean: ## remove what was made
	rm -rf $(VENV) build

.PHONY: help venv demo test lint conformance bench docs picture cluster lock clean
