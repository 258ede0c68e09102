# Everything here makes its own .venv with the python3 at hand (3.11 to 3.13).
PYTHON ?= python3
BIN := .venv/bin
LOCK := .venv/.installed
# processes that test side by side; each starts servers of its own and often waits for them, so one more than a small machine has cores
WORKERS ?= 3
# compiled modules are kept in .venv: without them, every program would compile its imports anew, for seconds
unexport PYTHONDONTWRITEBYTECODE
UV := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

.PHONY: help install demo up down test check drill lint architecture format manifest lock bench

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(LOCK) ## Make .venv and install the locked packages and Slipway itself

$(LOCK): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Slipway needs Python 3.11 to 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@echo "installing the locked packages"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: install ## Start everything, release heart-failure on sample rows, print what to try
	@$(BIN)/python -m deployments.demo

up: install ## Start Prefect, MLflow, a worker and the gateway
	@$(BIN)/slipway up

down: install ## Stop them
	@$(BIN)/slipway down

test: install ## Run the tests, and list the slowest
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not drill" --durations=20

check: lint ## Run what is quick: lint, and the unit tests that start no server
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow" tests/unit

drill: install ## Run the tests that break a running platform: faults and alarms, one after another
	@$(BIN)/pytest -m drill

lint: install ## Check style, types, import contracts and the manifest
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python docs/architecture.py
	@$(BIN)/python -m deployments.server.manifest --check

architecture: install ## Print the rooms of the code and the arrows between them, and draw them into docs/architecture.svg
	@$(BIN)/python docs/architecture.py --draw

format: install ## Put the code into the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

manifest: install ## Write prefect.yaml from the catalogue
	@$(BIN)/python -m deployments.server.manifest

lock: install ## Resolve requirements.lock anew, within the bounds of pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --group dev --upgrade pyproject.toml -o requirements.lock

bench: install ## Run the benchmarks
	@for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done
