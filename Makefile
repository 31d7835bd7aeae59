# Everything a developer does here; `make test` and `make demo` are the whole set-up.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
TESTS ?= tests
.DEFAULT_GOAL := help
.PHONY: help install demo test check format lint types imports coverage bench lock schema clean

help:  ## lists the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed  ## makes .venv with the plumbline command in it

# uv installs exactly what the lock names, with checksums; the lock names no index, so that mirrors work.
$(VENV)/installed: requirements.lock pyproject.toml
	@test -x $(RUN)/python || $(PYTHON) -m venv $(VENV)
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@$(RUN)/uv pip sync --quiet --compile-bytecode --python $(RUN)/python --require-hashes requirements.lock
	@$(RUN)/uv pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation --editable .
	@$(RUN)/python -m compileall -q reconciler
	@touch $@

COMPILE := $(RUN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate

lock:  ## writes requirements.lock, and that of the image, anew from pyproject.toml
	@$(COMPILE) --group dev --output-file requirements.lock pyproject.toml
	@$(COMPILE) --extra otel --extra postgres --constraint requirements.lock --output-file deploy/requirements.lock pyproject.toml

demo: install  ## the main job, on a small application that drifted; CLUSTER=real for a real API server
	@$(RUN)/python -m tests.demo $(if $(filter real,$(CLUSTER)),--cluster real)

test: install  ## all tests; builds a real control plane where none is cached (some minutes, once)
	@$(RUN)/python -m tests.tools.postgres
	@$(RUN)/python -m tests.tools.registry
	@$(RUN)/python -m tests.tools.node
	@$(RUN)/python -m tests.tools.gitea
	@$(RUN)/python -m tests.tools.controlplane build --with controller-manager,helm,node,encryption,linter >/dev/null
	@$(RUN)/python -m pytest -n 2 --dist loadgroup $(TESTS)

check: install lint types imports coverage  ## lint, format, types, import contracts, tests with coverage

lint:
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .

format: install  ## formats the code
	@$(RUN)/ruff check --fix-only --quiet .
	@$(RUN)/ruff format --quiet .

types:
	@$(RUN)/mypy

imports:
	@$(RUN)/lint-imports --no-cache

# The pure half is covered completely, branches included, by unit tests alone.
coverage: install
	@$(RUN)/coverage erase
	@$(RUN)/coverage run -m pytest -q -n 2 --dist loadgroup tests/unit
	@$(RUN)/coverage combine -q
	@$(RUN)/coverage report --include 'reconciler/core/*,reconciler/render/*' --skip-covered --show-missing --fail-under 100

bench: install  ## the table of measurements that the README shows
	@$(RUN)/python -m tests.benchmarks

schema: install  ## writes the generated data anew: the table of defaults, the JSON schemas
	@$(RUN)/python -m tests.tools.schema

clean:  ## removes everything that was made here
	rm -rf $(VENV) .coverage* htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis dist .demo
