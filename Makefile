# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# HTTP/2 is left out of net/http: 0.35 MB for what nobody speaks to a plain port.
# Only what runs each second is compiled with inlining: 0.9 MB less in the memory of each node.
BUILD      = CGO_ENABLED=0 go build -tags nethttpomithttp2 -gcflags=all=-l -gcflags=runtime= -gcflags=internal/runtime/...= -gcflags=syscall= -gcflags=ip-masq-agent/pkg/agent= -gcflags=ip-masq-agent/pkg/nftables= -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
ARCHS      = amd64 arm64 ppc64le s390x arm
# What make image takes: BUILDER=buildah, PLATFORM=linux/arm64, OUTPUT=--push.
IMAGE     ?= ip-masq-agent:$(VERSION)
PLATFORM  ?= linux/$(shell go env GOARCH)
OUTPUT    ?= --load
BUILDER   ?= $(if $(shell docker buildx version 2>/dev/null),docker,buildah)
docker     = docker buildx build $(OUTPUT)
buildah    = buildah bud --build-arg BUILDPLATFORM=linux/$(shell go env GOHOSTARCH)
# How each writes the image to the archive bin/image.tar.
docker-save  = docker save --output bin/image.tar $(IMAGE)
buildah-save = buildah push --quiet $(IMAGE) docker-archive:bin/image.tar:$(IMAGE)
# Where make sbom writes.
SBOM      ?= dist/ip-masq-agent.spdx.json
# What make release takes besides: the URL of the repository, such as https://github.com/OWNER/NAME.
PLATFORMS ?= linux/amd64,linux/arm64,linux/ppc64le,linux/s390x,linux/arm/v7
REPOSITORY ?=
export VERSION IMAGE PLATFORMS OUTPUT REPOSITORY BUILDER IMAGE_ARGS
# Where sudo's PATH does not have them: Go as its own archive installs it, and iptables.
export PATH := $(PATH):/usr/local/go/bin:/usr/sbin:/sbin

.DEFAULT_GOAL := help
.PHONY: help build binaries image image-archive sbom test-image chart release run test s390x vm e2e fuzz bench lint clean

help: ## Print this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/ip-masq-agent, static and stripped
	@command -v go >/dev/null || { echo "error: go is missing. Get Go 1.26 or later: https://go.dev/dl/" >&2; exit 1; }
	$(BUILD) -o bin/ip-masq-agent ./cmd/ip-masq-agent

binaries: ## Build bin/ip-masq-agent-linux-ARCH for every platform of the image
	for arch in $(ARCHS); do GOOS=linux GOARCH=$$arch GOARM=7 $(BUILD) -o bin/ip-masq-agent-linux-$$arch ./cmd/ip-masq-agent || exit; done

image: ## Build the container image IMAGE for PLATFORM, with docker or buildah
	$($(BUILDER)) --platform $(PLATFORM) --tag $(IMAGE) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null) $(IMAGE_ARGS) .

chart: ## Package the Helm chart, with IMAGE as its default, in bin/
	charts/package.sh $(VERSION) $(IMAGE) bin

image-archive: image
	mkdir -p bin && rm -f bin/image.tar && $($(BUILDER)-save)

sbom: image-archive ## Build the image and write its SBOM, SPDX 2.3 as JSON, to dist/ip-masq-agent.spdx.json
	mkdir -p $(dir $(SBOM)) && go -C tools/image run . sbom $(CURDIR)/bin/image.tar >$(SBOM)

test-image: image-archive ## Build the image, and test its size, its content and its SBOM (as root)
	IP_MASQ_AGENT_TEST_IMAGE=$(CURDIR)/bin/image.tar go -C tools/image test -count=1 -v ./...

release: ## Build a release in dist/: VERSION=v1.2.3 IMAGE=NAME:v1.2.3 REPOSITORY=URL, and OUTPUT=--push to push the image
	@tools/release/release.sh

run: build ## Run the agent in a throwaway network namespace and show its rules
	test/demo/run.sh bin/ip-masq-agent

test: ## Run all tests that need no cluster: unit, fuzz seeds, kernel, packets (as root)
	test/run.sh

s390x: ## Run the tests of pkg/ that need no kernel on an emulated big-endian processor
	test/s390x.sh

vm: ## Run the kernel tests on nodes of other kernels and iptables versions in QEMU (as root); ALL=1, or SUITE KIND RUN
	test/vm/run.sh

e2e: ## Test the agent on a Kubernetes cluster that this starts (as root), or on the cluster of KUBECONFIG with IMAGE
	test/cluster/run.sh

fuzz: ## Fuzz what reads untrusted text, 30 seconds each, and compare SEEDS random rule sets with packets (as root)
	test/fuzz.sh 30s

bench: ## Measure the agent beside the commands that 2.12 runs, as root, some 15 minutes
	go run ./test/bench

lint: ## gofmt, go vet, staticcheck, shellcheck, actionlint, and who may run other programs
	test/lint.sh

clean: ## Remove what was built
	rm -rf bin dist
