# Thin: each verb sets the project up (tools/bootstrap.py; nothing to do the second time) and calls one program.
# ARGS is passed on: make up ARGS="--smtp 127.0.0.1:0", make test ARGS="tests/unit -k smtp".
.DEFAULT_GOAL := help
.PHONY: help setup up test check fuzz bench build clean container-check
ARGS ?=
# The first of these that runs and is Python 3.11 or later; it only sets things up.
PYTHON = $(shell for p in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
SETUP = p="$(PYTHON)"; [ -n "$$p" ] || { echo "mailscribe needs Python 3.11 or later to set itself up" >&2; exit 1; }; \
	"$$p" tools/bootstrap.py

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

setup: ## uv, Python 3.13 and the locked packages, inside the project
	@$(SETUP)

up: ## the whole system on this machine, in the foreground
	@$(SETUP) && exec .venv/bin/mailscribe up $(ARGS)

test: ## every test
	@$(SETUP) && exec .venv/bin/python -m pytest -n 2 --dist worksteal $(ARGS)

check: ## format, lint, types, imports; writes nothing
	@$(SETUP) && exec .venv/bin/python tools/check.py $(ARGS)

fuzz: ## anything at all to the parser, pages, the session, its record, policy files and PROXY headers; ARGS="SECONDS [TARGET]"
	@$(SETUP) && PYTHONPATH=tests exec .venv/bin/python -m fuzz $(ARGS)

bench: ## benchmarks, with what they are compared to
	@$(SETUP) && exec .venv/bin/python -m benchmarks $(ARGS)

build: ## sam build for arm64 and x86-64, and checks of what was built
	@$(SETUP) && exec .venv/bin/python tools/build.py $(ARGS)

container-check: ## build and run the front end's container, where buildah or podman is at hand
	@$(SETUP) && exec .venv/bin/python tools/container_check.py $(ARGS)

clean: ## everything that was made here, but for data (.mailscribe)
	rm -rf .venv .tools .fuzz .aws-sam dist build htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
