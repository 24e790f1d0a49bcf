# `make demo` and `make test` do all set-up on a fresh Debian machine that has the Swift toolchain.
# Variables: QUESTION, CORPUS and MODEL of the demo; TRAITS=--disable-default-traits builds without networking.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

SWIFT_BUILD := swift build --explicit-target-dependency-import-check error
RELEASE := $(SWIFT_BUILD) -c release --static-swift-stdlib $(TRAITS)
PACKAGES := libpoppler-glib-dev poppler-data libxml2-dev libsqlite3-dev zlib1g-dev pkg-config python3 python3-pip
MODEL ?= qwen2.5-coder-1.5b-instruct
CORPUS ?= Corpora/papers
QUESTION ?= Which library does eyecite use to tokenize and parse its input text?

.PHONY: help demo test build packages models lint check clean

help:
	@echo 'make demo    install what is missing, build, fetch a model, answer a question from $(CORPUS)'
	@echo 'make test    install what is missing and run all tests'
	@echo 'make build   release programs in .build/release'
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

build: packages
	@$(RELEASE) --product docproc
	@$(RELEASE) --product docproc-pdf

demo: build
	@bin=$$($(RELEASE) --show-bin-path); \
	$$bin/docproc models pull $(MODEL); \
	$$bin/docproc ask --model $(MODEL) --strategy search $(CORPUS) "$(QUESTION)"

test: packages
	@swift build --build-tests --explicit-target-dependency-import-check error $(TRAITS)
	@swift test --skip-build --no-parallel $(TRAITS)

lint:
	@swift format lint --strict --recursive Package.swift Sources Tests

clean:
	@swift package clean
