# Every verb of the project. All paths are relative, so a checkout may live anywhere, also below a folder with a space in its name.
PYTHON ?= python3
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup check unit test golden demo cluster crds presets pages lock clean bench-instrumentation bench-decision

help: ## Show the verbs.
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 12

.venv/ready: requirements.lock
	@echo "Setting up .venv from requirements.lock (hash-checked; about 1 min, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "apituner needs Python 3.11 or newer: make PYTHON=python3.12")'
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "apituner.pth").write_text(str(pathlib.Path("operator").resolve()) + "\n")'
	@touch $@

setup: .venv/ready ## Make the virtual environment from the lock file.

lock: .venv/ready ## Resolve the dependencies anew (needs uv on the PATH).
	uv pip compile pyproject.toml --extra operator --extra fastapi --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-package apituner --quiet --output-file requirements.lock
	uv pip compile tests/oldest/requirements.in --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --output-file tests/oldest/requirements.lock

crds: .venv/ready ## Generate crds/ and the chart's CRD templates from the models.
	@$(PY) -m apituner.api.crd

presets: .venv/ready ## Generate operator/docs/presets.md from the presets.
	@PYTHONPATH=operator $(PY) -m apituner.prometheus.presets.table

pages: binaries ## Generate the table of metrics and the picture of the instrumentation in operator/docs (about 1 min 30 s).
	@PYTHONPATH=operator:tests $(PY) -m pages

check: .venv/ready ## Lint, types, import contracts.
	@$(PY) -m ruff check operator tests
	@$(PY) -m ruff format --check --quiet operator tests
	@$(PY) -m mypy
	@PYTHONPATH=operator $(PY) -c 'import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())'

unit: .venv/ready ## The unit tests alone: about 3 min, most of it the brain's properties at 1,000 examples each.
	@$(PY) -m pytest tests/unit -q

test: check binaries ## Every check and every test (first run: about 15 min of builds; then about 15 min).
	@$(PY) -m pytest tests

golden: .venv/ready ## Tell the golden stories of tests/golden anew; commit only what you understand.
	@PYTHONPATH=operator:tests $(PY) -m golden

demo: binaries ## The whole story on a real control plane: a starved pool found and fixed, a blocked loop named (about 3 min).
	@PYTHONPATH=operator:tests $(PY) -m demo

bench-instrumentation: .venv/ready ## What the instrumentation costs: throughput, CPU and p99 against the bare API, in one run (about 3 min, two quiet cores).
	@PYTHONPATH=operator:tests $(PY) -m bench

bench-decision: .venv/ready ## What one decision costs: median and p99 over knobs of 50 x 8 x 60, and memory per tuned API (seconds).
	@PYTHONPATH=operator:tests $(PY) -m bench.decision

clean: ## Remove what was made here; the cache of built binaries stays.
	@rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: binaries
binaries: .venv/ready ## Build the programs of the local cluster, unless the cache has them (about 15 min on 2 cores, once).
	@PYTHONPATH=tests $(PY) -m cluster.binaries

cluster: .venv/ready ## Start a local cluster, say how to reach it, and keep it until Ctrl-C.
	@PYTHONPATH=operator:tests exec $(PY) -m cluster
