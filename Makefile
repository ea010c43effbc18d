# Envgate. `make` alone does what CI does.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STAMP   := -X main.version=$(VERSION)
# -s -w: no symbols on a gateway. The tag leaves HTTP/2 out of net/http, which
# the MQTT library pulls in: about 1 MB.
LDFLAGS := -s -w $(STAMP)
# The linker has amd64 alone begin functions at multiples of 32: 100 KB of nothing.
ALIGN   := $(if $(filter amd64,$(shell $(GO) env GOARCH)),-funcalign=16)
TAGS    := nethttpomithttp2
COLD    := $(shell grep -v '^\#' cross/cold)
SMALL   := $(foreach p,$(COLD),-gcflags=$(p)=-l)
FUZZTIME ?= 20s
FUZZ    ?= .
HOURS   ?= 2

.DEFAULT_GOAL := test
.PHONY: test build demo bench outage soak powercut kills faults fuzz lint vuln cross need generate clean

# The whole suite: format, vet, staticcheck, known holes, all targets built,
# unit and end-to-end tests under the race detector.
test: need lint vuln build cross
	$(GO) test -race -shuffle=on -timeout 15m ./...

build:
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) $(SMALL) -ldflags '$(LDFLAGS) $(ALIGN)' -o bin/envgate ./agent
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/centre ./centre

# Simulated instruments, broker, agent and centre on this machine, live in the
# terminal. FOR=30s ends by itself, and not with 0 when a reading is unaccounted for.
demo: build
	$(GO) run ./tests/lab -envgate bin/envgate -centre bin/centre $(if $(FOR),-for $(FOR))

bench: need build cross
	$(GO) run ./tests/bench
	$(GO) test -run '^$$' -bench . -benchtime 1s ./hj212 ./drivers/... ./envelope ./buffer ./agent/... ./centre

# The fault suite's long tier; its quick tier is part of test. What each counted is in
# out/faults.
CUTS    ?= 300
KILLS   ?= 1000
FAULTS  = FAULTS_OUT=$(CURDIR)/out/faults $(GO) test ./tests/faults -v -count 1 -timeout 3h

# CUTS power cuts of a virtual machine with ext4 in which a victim writes, a tenth as many
# in which the agent does. Linux on x86_64, kernel from Debian.
powercut:
	@sh tests/need.sh qemu-system-x86_64=qemu-system-x86 mkfs.ext4=e2fsprogs dpkg-deb=dpkg
	@sh tests/faults/kernel.sh out/faults/kernel
	FAULTS_CUTS=$(CUTS) FAULTS_AGENT_CUTS=$(shell expr \( $(CUTS) + 9 \) / 10) FAULTS_KERNEL=$(CURDIR)/out/faults/kernel $(FAULTS) -run '^TestPowerCuts'

# KILLS of a victim, a tenth as many of the whole agent, and one at each of its first
# writes and syncs.
kills: need
	FAULTS_KILLS=$(KILLS) FAULTS_AGENT_KILLS=$(shell expr \( $(KILLS) + 9 \) / 10) FAULTS_POINTS=60 $(FAULTS) -run '^Test(Kills|KillAtSyscall|AgentKills)$$'

faults: powercut kills
	FAULTS_FLIPS=300 FAULTS_LAZY=100 $(FAULTS) -skip '^Test(PowerCuts|PowerCutsAgent|Kills|KillAtSyscall|AgentKills)$$'
# What an outage of two minutes costs with one kill and with three, and what a log that
# is too small for one says: the long tier of the network's faults.
outage: need
	FAULTS_OUTAGE=1 $(GO) test -count=1 -v -timeout 20m -run '^Test(OutageFigures|EvictionAtCentre)$$' ./tests/faults

# Load with random faults every few seconds, and an account of every reading at the end.
# HOURS=0.1 tries it out, SEED=7 breaks the same things again. As root it fills a disk too.
soak: need build
	$(GO) run ./tests/soak -hours $(HOURS) $(if $(SEED),-seed $(SEED))

# FUZZ=./hj212 FUZZTIME=10m fuzzes one package for long.
fuzz:
	@for t in $$(grep -rl --include='*_test.go' '^func Fuzz' $(FUZZ) | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$t/*_test.go | cut -c6-); do \
			echo "$$t $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$t || exit 1; \
		done; \
	done

lint:
	@out=$$($(GO) tool gofumpt -l .); [ -z "$$out" ] || { echo "not formatted (go tool gofumpt -w .):"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# The list of known holes is fetched from the Go project. Where that cannot be
# reached nothing is known, and that is what it says.
vuln:
	@sh tests/vuln.sh

cross:
	sh cross/build.sh

need:
	@sh tests/need.sh gcc=gcc gcc=libc6-dev python3=python3 mosquitto=mosquitto mbpoll=mbpoll openssl=openssl \
		py:pymodbus=python3-pymodbus py:serial=python3-serial h:modbus/modbus.h=libmodbus-dev socat=socat strace=strace mkfs.ext4=e2fsprogs \
		qemu-arm-static=qemu-user-static qemu-mipsel-static=qemu-user-static

generate:
	$(GO) generate ./...

clean:
	rm -rf bin out
