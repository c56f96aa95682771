# What a person types. Every target is one line that could be typed by hand; the longer
# ones live in scripts/. GOFLAGS and GOPROXY of the environment are respected.

SHELL = /bin/bash
export GOTOOLCHAIN ?= local
FUZZTIME ?= 10s

.DEFAULT_GOAL = help
.PHONY: help build demo test lint golden fuzz bench check clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

build: ## build bin/meshsync, static and stripped
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/meshsync ./cmd/meshsync

demo: build ## build it and walk through plan, apply and drift in a cluster in a box
	bin/meshsync demo

test: ## install what the tests need (as root on Debian), then run every test with the race detector
	scripts/install-deps && scripts/test

lint: ## run the linters (builds the pinned ones into bin/tools at the first run)
	scripts/lint

golden: ## write golden files and transcripts anew; review the diff like code
	UPDATE=1 go test ./...

fuzz: ## run each fuzz target for FUZZTIME (10s)
	FUZZTIME=$(FUZZTIME) scripts/fuzz

bench: build ## measure against the floor programs and write docs/bench.md
	scripts/bench

check: ## everything that continuous integration runs, in its order
	.ci/run

clean: ## remove bin/, which is all that the other targets build
	rm -rf bin
