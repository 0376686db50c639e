# Everything starts here, on a fresh clone too: each target first makes what it needs and does nothing where it is there.

PYTHON := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.cache/uv/bin:$(PATH):/usr/sbin:/sbin

.PHONY: help demo demo-real test prove check bench lock environment
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: environment ## eight simulated machines, from racked to in service (no root, no hardware)
	@bringup demo

demo-real: environment ## the same with all parts real but the hardware: NetBox, NATS, two QEMU machines, OpenSM (root)
	@[ "$$(id -u)" != 0 ] || setup/packages test e2e
	@bringup demo-real --cache .cache

# Tests wait more than they reckon, so two run at once; a QEMU machine fills both cores by itself. Meant to take 40 minutes
# together; a machine that is busy with something else gets 45 for each part before it counts as hung.
LIMIT := timeout --foreground --signal=INT --kill-after=60 45m
test: environment ## all tests; meant to take at most 40 minutes on 2 quiet cores
	@setup/packages test e2e
	@failed=0; \
	$(LIMIT) pytest --numprocesses=2 --dist=loadfile -m "not e2e" || failed=$$?; \
	$(LIMIT) pytest -m e2e || failed=$$?; \
	exit $$failed

prove: environment ## all suites at full length; resumable; prove-results/<commit>.json
	@setup/packages test e2e
	@$(PYTHON) setup/prove.py

check: environment ## lint, format, types, imports, fast tests: under a minute
	@ruff check --quiet .
	@ruff format --check --quiet .
	@mypy
	@lint-imports --no-logo
	@pytest -q --numprocesses=auto --dist=loadfile -m fast

bench: environment ## what it costs: each benchmark prints its numbers
	@set -e; for each in benchmarks/bench_*.py; do echo "== $$each"; $(PYTHON) "$$each"; done

lock: environment ## requirements.lock anew after a change of pyproject.toml (delete it first to take new versions)
	@uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml --output-file requirements.lock

environment:
	@setup/bootstrap
