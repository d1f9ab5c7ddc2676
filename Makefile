# Two commands do everything: `make demo` and `make test`.
GO ?= go
BIN := bin
OUT := out
# Static binaries, which run on any node or laptop of their architecture.
export CGO_ENABLED ?= 0

.PHONY: build test cross demo lab bench bench-bundle bench-collect bench-analyze bench-peer fuzz lint docs prove accuracy clean

build:
	$(GO) build -trimpath -ldflags='-s -w' -o $(BIN)/ ./cmd/zbundle ./cmd/zsim

test:
	$(GO) vet ./...
	$(GO) test -timeout 30m ./...

# The laptops of those who analyze run these; the tests are only compiled for them.
cross:
	@for os in windows darwin; do \
	  echo "$$os"; \
	  GOOS=$$os $(GO) build -o /dev/null ./cmd/zbundle && GOOS=$$os $(GO) vet ./... || exit 1; \
	done

# A simulated ambient cluster with planted faults, collected and analyzed.
demo: build
	@mkdir -p $(OUT)
	@BIN=$(BIN) OUT=$(OUT) .ci/demo

# A real API server, a real istiod; built from Go modules at the first run.
lab: build
	cd testdata/lab && ./run.sh

bench:
	$(GO) test -run '^$$' -bench . -skip '^Benchmark(Collect|Analyze)$$' -benchmem ./...

# What a bundle weighs and what collect needs, beside tar czf of the raw dumps.
bench-bundle:
	$(GO) test -run '^$$' -bench '^BenchmarkBundle$$' -benchtime 1x -timeout 30m ./cmd/zbundle

# What collect needs at 10, 100 and 1,000 ztunnels of 11.8 MB each, beside the servers on the same cores.
bench-collect:
	$(GO) test -run '^$$' -bench '^BenchmarkCollect$$' -benchtime 1x -timeout 150m ./cmd/zbundle

# What analyze needs at 10, 100 and 1,000 ztunnels, beside gzip -dc of the same bundle.
bench-analyze:
	$(GO) test -run '^$$' -bench '^BenchmarkAnalyze$$' -benchtime 3x -timeout 150m ./cmd/zbundle

# What collect needs beside istioctl bug-report, of the lab with 50 ztunnels of 11.8 MB each.
bench-peer: build
	cd testdata/lab && ./run.sh -run '^TestBesideBugReport$$' -timeout 60m -v -peer 3

# Each fuzz target for a short while; FUZZTIME=10m for longer.
FUZZTIME ?= 20s
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$pkg || exit 1; \
	  done; \
	done

# What only the lab and tests of other packages call.
TESTED_ONLY := internal/(ztunnel/dump_encode|istiod/ambientz|sim/kubeconfig)\.go|analyze/ruletest/headroom\.go

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt'; exit 1; }
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.1 ./...
	@echo 'deadcode ./cmd/...' && dead=$$($(GO) run golang.org/x/tools/cmd/deadcode@v0.49.0 ./cmd/... | grep -vE '$(TESTED_ONLY)'); \
	  test -z "$$dead" || { echo "$$dead"; echo 'nothing that is shipped reaches these'; exit 1; }

# Writes the pages that are generated from the rules and the model they read.
docs:
	$(GO) test ./analyze -run Vocabulary -count 1 -update
	$(GO) test ./analyze/ruletest -run Page -count 1 -update

# Tries every rule on planted faults and recorded ztunnels, and writes rules/proven.lock.
prove:
	$(GO) test ./cmd/zbundle -run '^TestProve$$' -prove -count 1 -timeout 30m

# Measures every fault, trap and threshold, writes docs/accuracy.md and prints it.
# The thousands of requests leave more garbage than anything to keep, and collecting it costs a quarter.
accuracy:
	GOGC=400 $(GO) test ./cmd/zbundle -run '^TestAccuracy$$' -accuracy -count 1 -timeout 180m -v
	@cat docs/accuracy.md

clean:
	rm -rf $(BIN) $(OUT)
