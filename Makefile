# `make help` lists the targets. Each begins with .venv and the locked packages (devkit/bootstrap.py does nothing when
# they are there), so none needs a step by hand before it.

PYTHON ?= $(shell command -v python3 || command -v python3.11 || echo python3)
BOOTSTRAP = @$(PYTHON) devkit/bootstrap.py
VENV = .venv/bin
WORKERS ?= 2
ROUNDS ?= 5
SECONDS ?= 5
ROWS ?=

.DEFAULT_GOAL := help
.PHONY: help run test e2e faults bench check fix lock clean install

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: ## the whole studio on http://localhost:5000 (PORT=5050 moves it); Ctrl-C stops it
	$(BOOTSTRAP) --run devkit.run

test: ## every check and every test, on a throw-away PostgreSQL and Valkey
	$(BOOTSTRAP) devkit.suite test --workers $(WORKERS)

e2e: ## the main paths in real Chromium
	$(BOOTSTRAP) devkit.suite e2e

faults: ## kill -9 of every process under load, three times each: what was lost, what was done twice (<= 10 minutes)
	$(BOOTSTRAP) tests.faults $(ROWS)

bench: ## rates of reads, sign-in, jobs, audit and payments beside their baselines (ROUNDS=5 SECONDS=5); never fails a build
	$(BOOTSTRAP) benchmarks --rounds $(ROUNDS) --seconds $(SECONDS)

check: ## format, lint, types, layers, migrations, deployment, API description, templates
	$(BOOTSTRAP) devkit.suite check

fix: install ## repair what the formatter and the linter can repair
	@$(VENV)/ruff check --fix --quiet .; $(VENV)/ruff format --quiet . && $(VENV)/ruff check .

lock: install ## compile requirements*.in into exact versions
	$(VENV)/uv pip compile --quiet --python-version 3.11 --upgrade requirements.in -o requirements.txt
	$(VENV)/uv pip compile --quiet --python-version 3.11 --upgrade requirements-dev.in -o requirements-dev.txt

clean: ## remove caches and the throw-away servers; the data under var/ and .env stay
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m devkit.testing stop; fi
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov staticfiles
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

install:
	$(BOOTSTRAP)
