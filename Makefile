# Two commands matter: `make demo` runs it, `make test` tests it. `make help` lists the rest.
PYTHON ?= python3
PORT ?= 8000
DATA ?=

VENV := .venv
RUN := $(VENV)/bin/python
# Each stamp is younger than the file it depends on only after a whole installation.
INSTALLED := $(VENV)/.installed
TESTS_INSTALLED := $(VENV)/.tests-installed
SOURCES := manage.py deploy search workers segmentation catalog benchmarks tests

# Through the environment, so that any folder's name survives the shell.
export DATA

.PHONY: help demo test lint format install clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## install, index a demo catalog, serve it (DATA=folder with feed.csv, PORT=8000)
	@exec $(RUN) -m deploy.demo --port $(PORT) $${DATA:+"--data=$$DATA"}

test: lint ## lint, types, import layers, all tests
	@bash tests/services.sh
	$(RUN) -m pytest

lint: $(TESTS_INSTALLED) ## style, format, strict types, import layers
	$(RUN) -m ruff check $(SOURCES)
	$(RUN) -m ruff format --check $(SOURCES)
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

format: $(TESTS_INSTALLED) ## let ruff correct style and format
	$(RUN) -m ruff check --fix $(SOURCES)
	$(RUN) -m ruff format $(SOURCES)

install: $(INSTALLED) ## only create .venv and install what the product needs

clean: ## remove caches and the demo's records (not .venv, not runs/)
	rm -rf var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another with PYTHON=") if sys.version_info < (3, 11) else None'
	@# A venv made before python3-venv was installed has a python but no pip: make it again.
	@$(RUN) -c 'import pip' 2>/dev/null || $(PYTHON) -m venv $(VENV) || { echo "venv is missing: apt-get install python3-venv" >&2; exit 1; }
	$(RUN) -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(TESTS_INSTALLED): $(INSTALLED) tests/requirements.txt
	$(RUN) -m pip install --disable-pip-version-check -r tests/requirements.txt
	@# Without its dependencies, which are there: its faiss-cpu would overwrite the files of faiss-gpu.
	$(RUN) -m pip install --disable-pip-version-check --no-deps milvus-lite==3.2.2
	@touch $@
