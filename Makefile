# samviz: `make run` starts the app, `make test` checks everything. Needs Python 3.11 or later; the rest is installed in .venv.

PYTHON ?= python3
ARGS ?=
FUZZ_SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
COMPILED := $(VENV)/.compiled

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help run test fuzz install compile browser lint format types layers pictures constraints clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: compile ## Start the app; the first time installs, compiles and records a sample trace
	@ls traces/*.h5 >/dev/null 2>&1 || { echo "Recording a first trace"; $(BIN)/samviz record --task recall; }
	@exec $(BIN)/streamlit run samviz/app/main.py $(ARGS)

test: compile browser lint types layers ## Check everything: lint, types, import layers and all tests (ARGS="-k name")
	@$(BIN)/samviz compile float64
	@$(BIN)/python -m pytest $(ARGS)

fuzz: $(INSTALLED) ## Give the reader odd and damaged files for a minute (FUZZ_SECONDS=60)
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

install: $(INSTALLED) ## Install samviz and the development tools in .venv

compile: $(COMPILED) ## Compile the numba kernels, so that nobody waits for them later

browser: $(INSTALLED) ## Find or install the Chromium that the browser tests drive
	@tests/get_browser.sh $(BIN)/python

lint: $(INSTALLED) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(INSTALLED) ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

types: $(INSTALLED) ## Check types
	@$(BIN)/mypy

layers: $(INSTALLED) ## Check that no module imports what is above it
	@$(BIN)/lint-imports --no-logo

pictures: compile browser ## Take the pictures of the README anew
	@$(BIN)/python -m tests.pictures

constraints: $(INSTALLED) ## Resolve the newest versions into constraints.txt
	@echo "Resolving the newest versions"
	@$(BIN)/pip install --quiet --retries 5 --dry-run --ignore-installed --report $(VENV)/report.json ".[dev]"
	@head -n 1 constraints.txt > $(VENV)/constraints.txt
	@$(BIN)/python -c 'import json; \
		found = [p["metadata"] for p in json.load(open("$(VENV)/report.json"))["install"]]; \
		[print(p["name"] + "==" + p["version"].split("+")[0]) for p in found if p["name"] != "samviz"]' \
		| LC_ALL=C sort -f >> $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt
	@echo "Wrote constraints.txt; install it with make install, then make test"

clean: ## Remove caches and build output; .venv and the traces stay
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache $(COMPILED)
	@find samviz tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "samviz needs Python 3.11 or later; '$(PYTHON)' was not found. Try: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "samviz needs Python 3.11 or later; found $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module or no ensurepip. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

$(INSTALLED): $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing samviz and its dependencies (the first time takes some minutes)"
	@$(BIN)/python -m pip install --quiet --retries 5 -c constraints.txt -e ".[dev]"
	@touch $@

$(COMPILED): $(INSTALLED) $(wildcard samviz/kernels/*.py samviz/model/compile.py samviz/verify/warm.py)
	@echo "Compiling the kernels (about a minute the first time)"
	@$(BIN)/samviz compile float32
	@touch $@
