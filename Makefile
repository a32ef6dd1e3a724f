BIN  := bin/batchinvite
DEMO := bin/candidates.rehearsal.csv
# Run by its version, because its hundreds of modules are no business of go.mod.
LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# More flags for go test, such as -v or -run.
TESTFLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help build demo test soak bench bench-pace lint clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s  %s\n", $$1, $$2 }' Makefile

build: ## build bin/batchinvite, one file without dependencies
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/batchinvite

# Two of the sample's rows are invalid on purpose, so a run that works ends with exit code 1.
demo: build ## rehearse samples/candidates.csv against the sandbox and show the results; needs no API key
	@rm -f $(DEMO)
	@$(BIN) run samples/candidates.csv --sandbox --yes --config samples/config.yaml --rate 20/s --output $(DEMO); code=$$?; \
	if [ $$code -ne 1 ]; then echo "make demo: exit code $$code, want 1 for the two invalid rows" >&2; exit 1; fi
	@echo; awk -f samples/show.awk $(DEMO)

# -parallel: most of what the long tests start waits for most of its time.
# All servers, quotas and latencies of the pace are simulated without the race detector, which would take minutes.
test: ## run every test, with the race detector
	go vet ./...
	CGO_ENABLED=1 go test -race -shuffle=on -parallel 4 -timeout 20m $(TESTFLAGS) ./...
	go test -shuffle=on $(TESTFLAGS) -run TestServers ./pkg/pace

# What is long in it: kills, power cuts, full disks. -p 1, because they are heavy processes already.
soak: ## run the long versions of the tests, for hours; each prints its figures
	BATCHINVITE_SOAK=1 CGO_ENABLED=1 go test -race -v -p 1 -count=1 -timeout 24h $(TESTFLAGS) ./...

bench: ## run every benchmark
	go test -run '^$$' -bench . -benchmem ./...

# The share of the quota that is used, and the calls that are refused, of each kind of server at latencies of 50 ms to 1 s.
bench-pace: ## print the table of what the pace makes of quotas, in virtual time
	@echo '| server | quota | 50 ms | 0.2 s | 0.5 s | 1 s |'; echo '|---|---|---|---|---|---|'
	@BATCHINVITE_SOAK=1 go test -count=1 -v -run TestServers ./pkg/pace | sed -n 's/^ *simulation_test.go:[0-9]*: \(|.*\)/\1/p' | sort

lint: ## run the linters and the format check of .golangci.yml
	$(LINT) run ./...

clean: ## remove what the other targets made
	rm -rf bin
