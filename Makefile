# make setup, make run and make test are all a fresh machine with Python 3.11, git and make needs.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1
# dvc and mlflow start our commands by name
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup run test test-slow ui lint bench clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,generate,cluster]'
	touch $@ $(VENV)/.installed

setup: $(VENV)/.installed ## virtual environment, mlflow environment slot, starter data, replica corpus
	@$(BIN)/colliderfm doctor --link
	@$(BIN)/colliderfm doctor --foreign-files
	@$(BIN)/dvc repro -q data.dvc
	@$(BIN)/dvc repro -q replicas

run: setup ## main job at starter scale: pretrain, compare scratch with pretrained, report
	@for stage in $$($(BIN)/colliderfm doctor --missing-runs); do \
	  echo "the tracking store lacks the runs of $$stage: running it again"; \
	  $(BIN)/dvc repro --force --single-item $$stage || exit $$?; \
	done
	@$(BIN)/dvc repro
	@$(BIN)/colliderfm report --study all --show

test: $(VENV)/.installed-dev ## unit, physics, integration and contract tests
	@$(BIN)/colliderfm doctor --link
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadgroup

test-slow: $(VENV)/.installed-dev ## fault injection and end-to-end runs
	@$(BIN)/colliderfm doctor --link
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell src tests docs benchmarks README.md CONTRIBUTING.md CHANGELOG.md

bench: $(VENV)/.installed-dev ## one table of speeds, each beside a matrix-product rate
	$(BIN)/python -m benchmarks

ui: setup ## MLflow pages on http://127.0.0.1:5000
	$(BIN)/colliderfm ui

clean: ## remove caches and outputs; keeps data/, mlflow.db and the environment
	rm -rf outputs runs build dist .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -not -path './.venv*/*' -exec rm -rf {} +
