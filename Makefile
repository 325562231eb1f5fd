# Everything a person needs. `make help` lists it. Only Python >= 3.11 and make are required.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
MANAGE := $(PY) manage.py
export PIP_DISABLE_PIP_VERSION_CHECK := 1
ifdef PORT
export PORT
endif
# mypy, the layers and the migrations check read the settings but need no server.
NO_SERVER := DATABASE_URL="$${DATABASE_URL:-postgresql://skillora@/skillora}" REDIS_URL="$${REDIS_URL:-redis://127.0.0.1:6379/0}"

.DEFAULT_GOAL := help
.PHONY: help run test setup setup-dev bench lint types shell psql logs down clean migrate migration ci lock \
	up exec migrate-up migrate-create ci-local build restart logs-api logs-worker test-local shell-api shell-db

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## start everything in the foreground; PORT, SKILLORA_HOME, DATABASE_URL, REDIS_URL, DEMO=0 change it
	@exec $(MANAGE) run

test: setup-dev ## the whole test suite, on all cores; ARGS="ingest -k csv" for a part
	@if [ -n "$(ARGS)" ]; then exec $(PY) -m pytest -q $(ARGS); else exec ./.ci/tests; fi

setup: ## .venv, locked requirements, static files
	@./setup.sh requirements.txt

setup-dev:
	@./setup.sh requirements.txt requirements-dev.txt

bench: setup-dev ## all benchmarks
	@exec $(PY) -m bench

lint: setup-dev ## ruff, format check and layers
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(NO_SERVER) .venv/bin/lint-imports

types: setup-dev ## mypy, strict
	@$(NO_SERVER) $(PY) -m mypy .

shell: setup ## a Python shell with the models at hand
	@exec $(MANAGE) shell

psql: setup ## the database's shell
	@exec $(MANAGE) psql

logs: ## follow the logs of the running product
	@exec tail -n 50 -F "$${SKILLORA_HOME:-.skillora}"/logs/*.log

down: ## end the running product from another terminal
	@exec $(MANAGE) down

clean: ## remove .venv, static files and caches; the data stays in SKILLORA_HOME
	@rm -rf .venv staticfiles .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

migrate: setup ## bring the database up to date
	@exec $(MANAGE) migrate

migration: setup ## write migrations for changed models; NAME=what_changed
	@exec $(MANAGE) makemigrations $(if $(NAME),--name $(NAME))

ci: ## what CI runs: lint, types, layers, migrations, deploy check, all tests with a browser
	@exec ./.ci/run

lock: setup-dev ## lock requirements.in and requirements-dev.in for Python 3.11 to 3.13, with hashes
	@$(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links requirements.in -o requirements.txt
	@$(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links -c requirements.txt requirements-dev.in -o requirements-dev.txt

# The same under the names that other systems used.
up: run
exec: shell
migrate-up: migrate
migrate-create: migration
ci-local: ci
test-local: test
shell-api: shell
shell-db: psql
restart: down run
build: ## the container image, by docker compose
	@docker compose build
logs-api:
	@exec tail -n 50 -F "$${SKILLORA_HOME:-.skillora}"/logs/web.log
logs-worker:
	@exec tail -n 50 -F "$${SKILLORA_HOME:-.skillora}"/logs/worker-*.log
