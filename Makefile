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
	upload-departments upload-jobs upload-employees upload-all analytics-quarterly analytics-departments \
	up exec migrate-up migrate-create ci-local build restart logs-api logs-worker test-local shell-api shell-db

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

# FILE, or a synthetic file of as many rows as the public one. Lines that are refused are kept: no failure.
YEAR ?= 2021
define upload
	@f="$(FILE)"; t=$$(mktemp -d); \
	[ -n "$$f" ] || { f="$$t/$(1).csv"; $(MANAGE) sample_data $(1) --rows $(2) --faults $(3) --out "$$f"; }; \
	$(MANAGE) import_file $(1) "$$f" --wait --force; s=$$?; rm -r "$$t"; [ $$s -eq 0 ] || [ $$s -eq 3 ]
endef

upload-departments: setup ## load departments; FILE=departments.csv, else a sample
	$(call upload,departments,12,0)

upload-jobs: setup ## load jobs; FILE=jobs.csv, else a sample
	$(call upload,jobs,183,0)

upload-employees: setup ## load hired employees; FILE=hired_employees.csv, else a sample
	$(call upload,hired_employees,1999,0.035)

upload-all: setup ## load the three; FOLDER=where they lie, else samples
	@if [ -n "$(FOLDER)" ]; then $(MANAGE) import_folder "$(FOLDER)" --force; s=$$?; [ $$s -eq 0 ] || [ $$s -eq 3 ]; \
	else $(MAKE) upload-departments FILE= && $(MAKE) upload-jobs FILE= && $(MAKE) upload-employees FILE=; fi

analytics-quarterly: setup ## hires by quarter as CSV; YEAR=2021
	@exec $(MANAGE) report hires-by-quarter year=$(YEAR)

analytics-departments: setup ## departments above the mean as CSV; YEAR=2021
	@exec $(MANAGE) report departments-above-mean year=$(YEAR)

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
