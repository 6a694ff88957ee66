# Targets that need the virtual environments create them first, which takes 0.1 s if they are up to date.
PYTHON ?= python3
STAGE ?= dev
PORT ?=
REDIS_PORT ?=
PY := .venv/bin/python
# The stage of the operator's commands: the local environment, unless STAGE is given on the command line.
HERE = $(if $(filter command line environment,$(origin STAGE)),$(STAGE),local)

.DEFAULT_GOAL := help
.PHONY: help setup run stop url watch paddle test test-stores coverage soak check format docs lock bench bench-quick bench-compare bench-profile package deploy \
	deploy-all destroy tail events redrive clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: ## create or update the virtual environments from the locks
	@$(PYTHON) infra/setup.py

run: setup ## start the local environment and deploy everything to it, until Ctrl-C (PORT=4566 REDIS_PORT=6390)
	@$(PY) -m infra.local run $(if $(PORT),--port $(PORT)) $(if $(REDIS_PORT),--redis-port $(REDIS_PORT))

stop: setup ## stop `make run` from another terminal; its data is kept
	@$(PY) -m infra.local stop

url: setup ## print the base URL of the local HTTP API
	@$(PY) -m infra.local url

watch: setup ## redeploy a service locally on every save (SERVICE=kv)
	@$(PY) -m infra.local watch $(SERVICE)

paddle: setup ## send Paddle webhooks to `make run` (EVENT=subscription.activated ACCOUNT=me@example.com PRICE=pro)
	@$(PY) -m infra.paddle_simulator "$(EVENT)" "$(ACCOUNT)" $(if $(PRICE),--price $(PRICE)) $(if $(CHANGE),--change $(CHANGE)) \
		$(if $(ENDS),--ends $(ENDS)) $(if $(COPIES),--copies $(COPIES)) $(if $(REVERSE),--reverse) $(if $(DELAY),--delay $(DELAY))

test: setup ## run all tests in two processes, or some (ARGS="tests/unit -k name")
	@$(PYTHON) infra/setup.py --need curl
	@$(PY) -m pytest $(or $(ARGS),-n 2 --dist loadfile --no-loadscope-reorder)

coverage: setup ## run the unit tests and report line and branch coverage
	@$(PY) -m pytest tests/unit -n 2 --dist loadfile --no-loadscope-reorder --quiet --cov --cov-report=term $(ARGS)

test-stores: setup ## run the tests of the stores on boto3's own DynamoDB client instead of the fast one
	@DYNAMODB_CLIENT=boto3 $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/unit/kv tests/unit/usage \
		tests/unit/common/test_dynamodb_errors.py tests/integration/test_value_store.py tests/integration/test_large_values.py \
		tests/integration/test_effects.py tests/integration/test_billing_store.py tests/integration/test_key_use.py \
		tests/integration/test_storage.py tests/integration/test_round_trips.py tests/integration/test_write_cost.py \
		tests/integration/usage/test_bookings.py

soak: setup ## run the randomized tests ten times as long
	@$(PY) -m pytest --soak tests/integration/test_model.py tests/integration/test_linearizability.py \
		tests/integration/test_byte_exactness.py $(ARGS)

check: setup ## check format, lint, types, imports and templates, as CI does
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m infra.packaging lint

format: setup ## format the code and apply automatic fixes
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

docs: setup ## generate the documents: events, API, OpenAPI, benchmarks, cost
	@$(PY) -m infra.docs_build
	@$(PY) -m bench.documents

lock: setup ## compile the locks from the pyproject.toml files (ARGS=--upgrade for the newest versions)
	@$(PY) -m infra.locks $(ARGS)
	@$(PYTHON) infra/setup.py

bench: setup ## measure everything, or a part (PART=hot_path), and store the results; 25 minutes
	@$(PY) -m bench $(PART)

bench-quick: setup ## measure less accurately in three minutes and store nothing (PART=hot_path)
	@$(PY) -m bench --quick $(PART)

bench-compare: setup ## compare kv with an earlier revision in one run (BASE=<revision>)
	@$(PY) -m bench.comparison $(BASE)

bench-profile: setup ## print a CPU profile of an operation (OPERATION=get)
	@$(PY) -m bench --profile $(or $(OPERATION),get)

package: setup ## build and verify the package of a service (SERVICE=kv STAGE=dev)
	@$(PY) -m infra.packaging build $(SERVICE) --stage $(STAGE)

deploy: setup ## deploy a service, a platform stack or SERVICE=platform (SERVICE=kv STAGE=dev)
	@$(PY) -m infra.deploy deploy $(SERVICE) --stage $(STAGE)

deploy-all: setup ## deploy the platform and every service (STAGE=dev)
	@$(PY) -m infra.deploy deploy-all --stage $(STAGE)

destroy: setup ## delete a stage with its data (STAGE=dev)
	@$(PY) -m infra.deploy destroy --stage $(STAGE)

tail: setup ## follow the logs of the functions (STAGE=local ID= SERVICE= SINCE=10m JSON=1 ONCE=1)
	@$(PY) -m infra.operations.logs --stage $(HERE) $(if $(ID),--id='$(ID)') $(if $(SERVICE),--service $(SERVICE)) \
		$(if $(SINCE),--since $(SINCE)) $(if $(JSON),--json) $(if $(ONCE),--once)

events: setup ## print the events on the bus (STAGE=local NAME=ApiKeyIssued ACCOUNT= JSON=1)
	@$(PY) -m infra.operations.events --stage $(HERE) $(if $(NAME),--name $(NAME)) $(if $(ACCOUNT),--account $(ACCOUNT)) \
		$(if $(JSON),--json)

redrive: setup ## move the messages of a dead-letter queue back (QUEUE=kv-events STAGE=local)
	@$(PY) -m infra.operations.queues $(QUEUE) --stage $(HERE)

clean: ## delete build results, caches and the virtual environments; local data is kept
	@rm -rf build .venv .venv-emulator .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	@find infra libs services tests -name __pycache__ -type d -prune -exec rm -rf {} +
