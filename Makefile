# Everything a person or CI types. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

export SWIFT_BACKTRACE ?= enable=no

.PHONY: help deps build debug run test test-all unit sdk admin-schema examples dist lint format bench chaos soak fuzz mutate sanitize golden clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 14

deps: ## Install the Debian packages that are missing (with sudo where not root)
	@scripts/deps.sh

build: deps ## Build the release binary, .build/release/pollux
	@scripts/build-release.sh

debug: deps ## Build the debug binary, .build/debug/pollux
	swift build --product pollux

run: build ## Start the demo: simulated upstreams, a key, and commands to paste
	@exec .build/release/pollux serve --demo

test: deps ## What decides a landing: build, lint, unit, integration and SDK tests
	@scripts/test.sh quick

test-all: deps ## `test`, then the sanitizers and the long runs
	@scripts/test.sh all

unit: deps ## Run the Swift tests alone
	swift test --no-parallel

sdk: debug ## Run the client SDKs' tests alone
	@scripts/sdk-tests.sh

admin-schema: debug ## Ask the admin API all that its OpenAPI document allows, and what it does not
	@scripts/admin-schema.sh

examples: deps ## Build and test the example of a gateway with plugins of its own
	@scripts/examples.sh

dist: build ## Pack the release: dist/pollux-VERSION-linux-ARCHITECTURE.tar.gz
	@scripts/dist.sh

lint: ## Check the format of every Swift file
	swift format lint --strict -r Package.swift Sources Tests Examples Fuzz Bench

format: ## Format every Swift file
	swift format -i -r Package.swift Sources Tests Examples Fuzz Bench

bench: deps ## Measure against nginx and write docs/benchmarks.md
	@Bench/run.sh

chaos: build ## Fifty clients, twenty accounts, four ways to fail: `make chaos CHAOS_SECONDS=40`
	@python3 Bench/chaos.py --seconds $${CHAOS_SECONDS:-40}

soak: build ## Everything at once for a long time: `make soak SOAK_MINUTES=30`
	@python3 Bench/soak.py --minutes $${SOAK_MINUTES:-30}

fuzz: deps ## Fuzz the parsers: `make fuzz FUZZ_SECONDS=60`
	@for target in $$(cd Fuzz && ls -d */); do Fuzz/run.sh $${target%/} $${FUZZ_SECONDS:-60}; done

mutate: deps ## Plant each defect of Tests/defects.toml; the tests must notice it
	@scripts/mutate.py

sanitize: deps ## Run every test under the thread and the address sanitizer
	@scripts/sanitize.sh

golden: deps ## Rewrite the expected files of golden tests; review the diff
	UPDATE_GOLDEN=1 swift test --filter Golden

clean: ## Remove what was built
	rm -rf .build .venvs .bench dist
