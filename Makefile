# `make demo` and `make test` do all set-up on a fresh Debian machine that has the Swift toolchain.
# Variables: QUESTION, CORPUS and MODEL of the demo; TRAITS=--disable-default-traits builds without networking.
# Both build in the release configuration, so that the second one finds most of its work done.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

SWIFT_FLAGS := -c release --explicit-target-dependency-import-check error $(TRAITS)
BIN := .build/release
PACKAGES := libpoppler-glib-dev poppler-data libgoogle-perftools-dev libxml2-dev libsqlite3-dev zlib1g-dev pkg-config \
  python3 python3-pip
MODEL ?= qwen2.5-coder-1.5b-instruct
CORPUS ?= Corpora/papers
QUESTION ?= Which library does eyecite use to tokenize and parse its input text?
SOURCES := Package.swift $(shell find Sources -type f)

.PHONY: help demo test build packages test-models kernels lint clean

help:
	@echo 'make demo    install what is missing, build, fetch a model, answer a question from $(CORPUS)'
	@echo 'make test    install what is missing, fetch the models that tests use, run all tests'
	@echo 'make build   the programs, in $(BIN)'
	@echo 'make kernels compare the kernels of all processors, in emulation where they cannot run'
	@echo 'make lint    check the formatting'

# Debian packages that are missing, installed with root's or sudo's rights.
packages:
	@missing=''; for p in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  as_root=''; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  echo "installing$$missing" >&2; \
	  $$as_root apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

$(BIN)/docproc: $(SOURCES) | packages
	@swift build $(SWIFT_FLAGS)
	@touch $@

build: $(BIN)/docproc

demo: $(BIN)/docproc
	@$(BIN)/docproc models pull $(MODEL)
	@$(BIN)/docproc ask --model $(MODEL) --strategy search $(CORPUS) "$(QUESTION)"

# Tests of released models run where the files are; Gemma's terms must be accepted by whoever runs them.
test-models: $(BIN)/docproc
	@for m in smollm2-135m-instruct qwen2.5-coder-1.5b-instruct; do $(BIN)/docproc models pull $$m; done
	@case ",$${DOCPROC_ACCEPT_LICENSES:-}," in *,gemma,*) $(BIN)/docproc models pull gemma-3-270m;; \
	  *) echo 'tests of Gemma 3 270M are skipped: accept its terms with DOCPROC_ACCEPT_LICENSES=gemma' >&2;; esac

test: test-models
	@swift build --build-tests $(SWIFT_FLAGS)
	@log=$$(mktemp); trap 'rm -f '$$log EXIT; swift test --skip-build -c release $(TRAITS) 2>&1 | tee $$log || { \
	  echo; echo 'FAILED:'; grep -aE 'recorded an issue|SKIPPED|✘ Suite' $$log; exit 1; }

kernels:
	@bash Tests/KernelsEmulation/run.sh

lint:
	@swift format lint --strict --recursive Package.swift Sources Tests

clean:
	@swift package clean
