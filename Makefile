# ckptfs. `make` builds and tests; `make demo` shows what it is for.

GO       ?= go
PREFIX   ?= /usr/local
FUZZTIME ?= 30s

STATICCHECK = scripts/tool honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI    = scripts/tool github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# What the integration tests need; with this set, missing it is a failure.
export CKPTFS_REQUIRE ?= $(shell scripts/deps --require)

all: build test

# Debian packages that are missing, and the Go modules.
deps:
	scripts/deps
	$(GO) mod download

# bin/ckptfs.
build:
	$(GO) build -trimpath -o bin/ckptfs ./cmd/ckptfs

# A short guided look at a mounted checkpoint.
demo: deps build
	scripts/demo bin/ckptfs integration/testdata/zoo/checkpoint.tar.zst

# Every test; a skipped one is a failure.
test: deps build
	$(GO) vet ./...
	$(STATICCHECK) ./...
	scripts/gotest -count=1 -timeout 30m ./...
	scripts/gotest -race $$($(GO) list ./... | grep -v '/integration$$')

# Every test under the race detector, the daemon too.
race: deps
	scripts/gotest -count=1 -race -timeout 140m ./...

# What mounts, as usual and on a single processor.
integration: deps
	scripts/gotest -count=1 -timeout 30m ./integration
	GOMAXPROCS=1 scripts/gotest -count=1 -timeout 30m ./integration

# Rewrite the golden files; look at the difference before committing it.
golden: deps
	$(GO) test ./... -run 'Golden|Listing' -update

# All linters of .golangci.yml. To build them takes ten minutes, once.
lint:
	$(GOLANGCI) run ./...

# Every benchmark.
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Every fuzz target, FUZZTIME each.
fuzz:
	scripts/fuzz $(FUZZTIME)

install: build
	install -D -m 755 bin/ckptfs $(DESTDIR)$(PREFIX)/bin/ckptfs

clean:
	rm -rf bin
	$(GO) clean -testcache

.PHONY: all deps build demo test race integration golden lint bench fuzz install clean
