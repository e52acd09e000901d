# make demo | test | check | unit | bench | faults: each works alone on a fresh clone with Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
SPREAD := -n auto --maxprocesses 4 --dist loadfile

.PHONY: setup demo test unit check lint bench faults clean

setup: .venv/dev

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/run: setup.cfg pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/dev: setup.cfg pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ .venv/run

demo: .venv/run
	@$(BIN)/python workflows/cohort.py

test: .venv/dev
	$(BIN)/python -m pytest $(SPREAD)

unit: .venv/dev
	$(BIN)/python -m pytest $(SPREAD) -m 'not slow' tests/test_*.py tests/engines tests/stores tests/budget tests/diagnose

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

bench: .venv/dev
	$(BIN)/python -m benchmarks

# RUNS=1000 SEED=1; one run again: make faults SEED=1 ONLY=17
faults: .venv/dev
	PYTHONHASHSEED=0 $(BIN)/python -m tests.faults --seed $(or $(SEED),1) $(if $(ONLY),--only $(ONLY),--runs $(or $(RUNS),1000))

clean:
	rm -rf .venv .tools .batch results build dist *.egg-info
