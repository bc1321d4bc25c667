# The commands of the README. `make demo` and `make test` install what they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: help demo test check format docs clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.user: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing into $(VENV) (several minutes the first time) …"
	$(PIP) --editable '.[train,serve]'
	@touch $@

$(VENV)/.dev: $(VENV)/.user
	@echo "installing the tools of the tests …"
	$(PIP) --editable '.[train,serve,llamacpp,dev]'
	@touch $@

demo: $(VENV)/.user ## walk the whole line on real bank-customer questions
	@$(BIN)/tunewright models fetch smollm2-135m-instruct
	@$(BIN)/tunewright run --project examples/ticket-routing; code=$$?; [ $$code -ne 2 ] || exit $$code
	@echo "serve it: $(BIN)/tunewright serve --project examples/ticket-routing"

test: $(VENV)/.dev ## run the tests
	@$(BIN)/tunewright models fetch smollm2-135m-instruct
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## lint, types, import rules, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what a run of the example made
	rm -rf examples/*/.tunewright
