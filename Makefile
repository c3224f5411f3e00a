# Each target installs what it needs, by package name, and does so only once.
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready
NODE   := $(patsubst %/package-lock.json,%/node_modules/.ready,$(wildcard tests/e2e/*/package-lock.json tests/browser/*/package-lock.json))
SYSTEM := $(VENV)/.system

.DEFAULT_GOAL := help
.PHONY: help install demo run test screenshots lint bench lock

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY) ## a virtual environment in .venv with the `broker` command

$(READY): tests/requirements.txt pyproject.toml
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## sandbox, broker and two accounts, told step by step (ONCE=1: check and stop)
	$(VENV)/bin/broker demo $(if $(ONCE),--once)

run: $(READY) ## the broker with the settings of the environment
	$(VENV)/bin/broker serve

test: $(READY) $(NODE) $(SYSTEM) ## every test, with branch coverage
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile \
	  --cov --cov-report=term:skip-covered $(ARGS)

screenshots: $(READY) $(NODE) $(SYSTEM) ## pictures of every page, into docs/screenshots
	$(PY) -m tests.browser.screenshots $(ARGS)

lint: $(READY) ## ruff, mypy --strict, the direction of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(READY) $(SYSTEM) ## ratios against bare cryptography and a bare boto3 script
	$(PY) -m benchmarks

lock: $(READY) ## compile the two lock files anew
	$(VENV)/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header pyproject.toml -o requirements.txt
	$(VENV)/bin/uv pip compile --quiet --generate-hashes --no-header --extra sandbox --extra dev -c requirements.txt pyproject.toml -o tests/requirements.txt

# Independent parties of the end-to-end and browser tests, each of npm's packages.
tests/%/node_modules/.ready: tests/%/package-lock.json
	cd tests/$* && npm ci --silent --ignore-scripts
	@touch $@

# Debian's redis-server, the second server of the store's contract suite; and the browser that the
# pages are tried in, which brings a font.
$(SYSTEM): Makefile | $(READY)
	@command -v redis-server >/dev/null && command -v chromium >/dev/null || { \
	  SUDO=$$(command -v sudo || true); $$SUDO apt-get update -qq && \
	  $$SUDO apt-get install -y -qq redis-server chromium; }
	@touch $@
