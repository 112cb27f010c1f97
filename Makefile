# Go and make are all that `make demo` and `make test` need.
.DEFAULT_GOAL := help
SHELL := /bin/sh

GO         ?= go
NEED_GO    := 1.26
FUNCTIONS  := Inspect Evaluate Recheck Safeguard Revoke Restore Notify Notifier Delivery Publish Findings Request Api Sweep Drill Removal Report Act
COVERED    := ./shared/policy ./shared/integrity ./shared/evidence
GOARCH     ?= arm64# of what `sam build` builds: arm64, or amd64 for Architecture=x86_64
JUDGES     := $(addprefix ./,$(sort $(dir $(wildcard .ci/*/*.go .ci/*/*/*.go .ci/*/*/*/*.go))))# which ./... leaves out
FUZZTIME   ?= 20000x
RUN        ?=
CASTS      ?= all
COMMIT     ?= $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || echo unknown)
# The same source gives the same bytes wherever it is built: no paths, and of the repository its commit alone.
BUILDFLAGS := -tags lambda.norpc -trimpath -buildvcs=false -ldflags "-s -w -X github.com/keyward/keyward/shared/release.commit=$(COMMIT)"

lower = $(shell printf '%s' '$(1)' | tr 'A-Z' 'a-z')

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z%A-Z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: go
go:
	@command -v $(GO) >/dev/null 2>&1 || { echo "Go $(NEED_GO) or later is needed and there is no \`$(GO)\`: see https://go.dev/dl" >&2; exit 1; }
	@v=$$(GOTOOLCHAIN=local $(GO) env GOVERSION); v=$${v#go}; \
	if [ "$$(printf '%s\n%s\n' $(NEED_GO) "$$v" | sort -V | head -n 1)" != "$(NEED_GO)" ] && [ "$$($(GO) env GOTOOLCHAIN)" = local ]; then \
		echo "Go $(NEED_GO) or later is needed, this is $$v: see https://go.dev/dl" >&2; exit 1; fi

.PHONY: build
build: go ## build all functions and bin/keyward for this host
	@mkdir -p build/bin bin
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o build/bin/ ./functions/... ./cmd/keyward
	@for f in $(FUNCTIONS); do mkdir -p build/$${f}Function && \
		mv -f build/bin/$$(printf '%s' $$f | tr 'A-Z' 'a-z') build/$${f}Function/bootstrap || exit 1; done
	@mv -f build/bin/keyward bin/keyward && rmdir build/bin

# What `sam build` calls, once for each function.
build-%Function: go
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) $(GO) build $(BUILDFLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(call lower,$*)

.PHONY: demo
demo: build ## tell the whole story on this machine, without AWS
	@bin/keyward demo $(ARGS)

.PHONY: local
local: build ## run the stack on this machine and stay up
	@bin/keyward local $(ARGS)

.PHONY: test
test: go ## run every test that needs Go alone
	CGO_ENABLED=0 $(GO) vet ./... $(JUDGES)
	CGO_ENABLED=0 $(GO) test -timeout 15m ./...

.PHONY: check
check: go ## test, the race detector, and every judge of others: installs what they need, as root on Debian
	@.ci/run check

# Interleavings and mutants are of one goroutine each: the race detector would find nothing there and take minutes.
.PHONY: race
race: go ## run the tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 25m $$($(GO) list ./... | grep -v -e /simulate/interleave -e /simulate/mutate)

.PHONY: bench
bench: build ## measure evidence to verdict, the probe, init times, AWS calls; simulate a million machine-days
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -timeout 90m $(RUN) ./bench

.PHONY: simulate
simulate: build ## run 10,000 machines for 30 days on virtual time, with faults
	@bin/keyward simulate $(ARGS)

.PHONY: mutants
mutants: go ## take each guard out in turn: the simulation has to notice
	@$(GO) run ./simulate/mutate $(ARGS)

.PHONY: interleavings
interleavings: go ## meet on one key in every order, in CASTS: few, many or all
	CGO_ENABLED=0 $(GO) test -timeout 240m -v ./simulate/interleave -run TestEveryOrder -casts $(CASTS)

.PHONY: installs
installs: go ## inspect real installs of Debian's packages in throw-away roots, as root
	@.ci/installs/run $(RELEASES)

.PHONY: machine
machine: go ## open, lock and inspect a real machine with systemd, dm-crypt and auditd under QEMU, as root
	@.ci/machine/run

.PHONY: cover
cover: go ## print the coverage of the pure core
	CGO_ENABLED=0 $(GO) test -cover $(COVERED)

.PHONY: fuzz
fuzz: go ## run each fuzz target FUZZTIME times (20000x)
	@for p in $$($(GO) list ./...); do \
		for t in $$(CGO_ENABLED=0 $(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$t"; CGO_ENABLED=0 $(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$p || exit 1; \
		done; done

.PHONY: sbom
sbom: go ## write the bill of materials, build/keyward.cdx.json, and docs/dependencies.md
	@mkdir -p build
	$(GO) tool -modfile=.ci/tools/go.mod cyclonedx-gomod mod -json -licenses -noserial -test -output build/keyward.cdx.json .
	@$(GO) run ./.ci/dependencies build/keyward.cdx.json >build/dependencies.md && mv build/dependencies.md docs/dependencies.md

.PHONY: reproducible
reproducible: go ## build every program twice, in two places and without a cache: the bytes have to be the same
	@.ci/reproducible/run

.PHONY: validate
validate: ## check and build the template with the SAM CLI
	sam validate --lint --region us-east-1
	COMMIT=$(COMMIT) sam build

.PHONY: deploy
deploy: ## build and deploy to AWS, guided the first time; ENV= is a part of samconfig.toml
	@scripts/deploy --env $(or $(ENV),default) $(ARGS)

.PHONY: preview
preview: ## build, make a change set and show it; nothing is changed
	@scripts/deploy --env $(or $(ENV),default) --preview $(ARGS)

.PHONY: clean
clean: ## remove what was built
	rm -rf build bin .aws-sam coverage.out
