# `make demo` and `make test` are all a newcomer needs: both set up what they use and may be run again.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

export CARGO_TARGET_DIR ?= $(HOME)/.cache/tenon/target
export TENON_VENV ?= $(HOME)/.cache/tenon/venv
export TENON_SCRIPTS_VENV ?= $(HOME)/.cache/tenon/scripts
export TENON_BIN := $(CARGO_TARGET_DIR)/debug/tenon
PYTEST := $(TENON_VENV)/bin/python -m pytest

.PHONY: help demo build test test-rust test-python test-e2e test-scripts soak bench lint check setup setup-build setup-test

help: ## Lists the targets.
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: setup-build build ## Builds Tenon and runs the retail pipeline end to end.
	$(TENON_BIN) demo

build: setup-build ## Builds the `tenon` binary.
	cargo build --workspace

test: setup build test-rust test-python test-e2e test-scripts ## Sets up, builds and runs every test (long ones: `make soak`).

test-rust: build
	cargo nextest run --workspace --lib --bins --tests --no-fail-fast

test-python: setup-test
	$(PYTEST) -c python/pyproject.toml python/tests/unit -q

test-e2e: build
	@scripts/setup scripts
	$(PYTEST) -c tests/pytest.ini tests/e2e -m 'not soak' -n 2 -q

test-scripts: setup build ## Runs the tests of the awsglue package on Sail.
	@scripts/setup scripts
	PYTHONPATH=python $(TENON_SCRIPTS_VENV)/bin/python -m pytest -c python/pyproject.toml python/tests -q

soak: setup build ## Runs what takes longer: large objects, a thousand kills, Apache Spark.
	@scripts/setup scripts
	@scripts/setup spark
	$(PYTEST) -c tests/pytest.ini tests/e2e -m soak -n 2 -q

bench: setup build ## Measures Tenon beside its peers, in one run, as ratios.
	@scripts/setup scripts
	$(TENON_VENV)/bin/python bench/run.py

lint: setup build ## Format, lints, crate arrows, service models.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(CARGO_TARGET_DIR)/debug/xtask arrows
	$(CARGO_TARGET_DIR)/debug/xtask models --check "$$($(TENON_VENV)/bin/python -c 'import botocore; print(botocore.__path__[0])')/data"

check: lint ## All that `lint` does; licences and sources of dependencies.
	scripts/setup deny
	cargo deny --log-level error check licenses bans sources

setup: setup-build setup-test

setup-build:
	@scripts/setup build

setup-test:
	@scripts/setup test
