# Everything here is done by `mystic`, the command line tool: `cargo run -q -p mystic -- --help`.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The same environment in every build of the native code, so that no build repeats another's work.
ifneq ($(shell command -v ccache),)
export CMAKE_C_COMPILER_LAUNCHER := ccache
export CMAKE_CXX_COMPILER_LAUNCHER := ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
endif

mystic := cargo run -q -p mystic --

.PHONY: help setup demo up test test-vulkan lint doctor chaos mutants simulate fuzz screenshots

help:
	@echo 'make demo     set up, draw PROMPT (also SEED, STEPS, SIZE), show the picture and its tags'
	@echo 'make up       set up and run everything until Ctrl-C'
	@echo "make test     set up and run all tests (ARGS=\"-E 'package(mystic-store)'\" for some)"
	@echo 'make chaos    RUNS=12 SEED=1: whole stacks under faults, and whether every promise was kept (PRODUCTION=3 at full times)'
	@echo 'make mutants  take one fence, condition, lock or sync away at a time: does a test notice? (NAMES="a b" for some)'
	@echo 'make simulate SEEDS=1..20: the placement against others on a simulated fleet'
	@echo 'make test-vulkan  every plan on a software driver (SDK=DIR DRIVER=FILE for other headers and drivers); takes its own build'
	@echo 'make fuzz     SECONDS=60: any bytes as the header of a model file'
	@echo 'make lint     formatting, clippy, dependencies, documentation'
	@echo 'make screenshots  each page, light and dark, wide and narrow, into frontend/screenshots/pages (MYSTIC_URL=… of a running stack)'
	@echo 'make doctor   what is wrong here and how to mend it'
	@echo 'make bench-engine | bench-latency | bench-submit | bench-tags | bench-decide | bench-gallery | bench-sse | bench-page (ARGS="--soak" for the engine)'

setup demo up doctor lint:
	@$(mystic) $@

test:
	@$(mystic) test $(if $(ARGS),-- $(ARGS))

# Not part of `test`: both native libraries are built again, into a target directory of their own.
test-vulkan:
	@$(mystic) test-vulkan $(if $(SDK),--sdk $(SDK)) $(if $(DRIVER),--driver $(DRIVER))

RUNS ?= 12
SEED ?= 1

chaos:
	@cargo build -q --workspace
	@cargo run -q --bin chaos -- --runs $(RUNS) --seed $(SEED) $(if $(PRODUCTION),--production $(PRODUCTION))

mutants:
	@$(mystic) mutants $(NAMES)

SEEDS ?= 1..20

simulate:
	@cargo run -q -p mystic-simulator -- --seeds $(SEEDS)

# Makes a few demo jobs in the stack that it is of: this checkout's own, unless MYSTIC_URL names another.
screenshots:
	@cd frontend && npm run -s screenshots

SECONDS ?= 60

# What `cargo fuzz` does without a sanitizer, by flags that the stable compiler knows; ours is safe code, and overflows panic.
fuzz: export RUSTFLAGS := --cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares
fuzz: host = $(shell rustc -vV | sed -n 's/^host: //p')
fuzz:
	@cd crates/weights/fuzz && cargo build -q --release --target $(host) && mkdir -p corpus/header artifacts/header && \
		target/$(host)/release/header -max_total_time=$(SECONDS) -rss_limit_mb=1024 -artifact_prefix=artifacts/header/ \
		corpus/header seeds

# Benches take the dev profile and are chosen from the whole workspace, so that nothing is built again.
bench-%:
	@cargo build -q --workspace
	@cargo bench --profile dev --workspace --bench $* $(if $(ARGS),-- $(ARGS))
