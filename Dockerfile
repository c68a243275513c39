# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# The image of the DaemonSet: the agent, a static binary, and iptables in both
# backends, on an empty file system. It has no shell and no package manager.
# docker and buildah build it for linux/amd64, arm64, ppc64le, s390x and arm/v7:
#
#   docker buildx build --platform linux/arm64 --build-arg VERSION=v1.2.3 .
#   buildah bud --platform linux/arm64 --build-arg BUILDPLATFORM=linux/amd64 --build-arg VERSION=v1.2.3 .
#
# Every command runs on the platform of the machine that builds, so no emulation
# is needed. buildah 1.28 takes BUILDPLATFORM for the platform of the image, so
# it must be given.

# Debian 12 with Go. Its iptables is 1.8.9, which has both backends under names of
# their own and is the version that this repository is tested with. For a build
# that can be repeated, give a digest: golang@sha256:...
ARG GO_IMAGE=docker.io/library/golang:1.26-bookworm

FROM --platform=$BUILDPLATFORM $GO_IMAGE AS iptables
COPY tools/image/rootfs.sh /
ARG TARGETPLATFORM
RUN /rootfs.sh $TARGETPLATFORM /rootfs

FROM --platform=$BUILDPLATFORM $GO_IMAGE AS agent
WORKDIR /src
COPY go.mod go.sum ./
COPY cmd cmd
COPY pkg pkg
# A module mirror, for those who must use one.
ARG GOPROXY=https://proxy.golang.org,direct
ARG VERSION=devel
ARG TARGETOS
ARG TARGETARCH
# buildah warns of a build argument that no stage declares.
ARG BUILDPLATFORM
# GOARM is ignored unless TARGETARCH is arm. Debian's packages for it are for
# ARMv7 too. The flags of the compiler are explained in the Makefile.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
	CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=7 \
	go build -tags nethttpomithttp2 -gcflags=all=-l -gcflags=runtime= -gcflags=internal/runtime/...= -gcflags=syscall= -gcflags=ip-masq-agent/pkg/agent= -gcflags=ip-masq-agent/pkg/nftables= -trimpath -ldflags "-s -w -X main.version=$VERSION" \
	-o /ip-masq-agent ./cmd/ip-masq-agent

FROM scratch
COPY --from=iptables /rootfs /
COPY --from=agent /ip-masq-agent /ip-masq-agent
ENV PATH=/usr/sbin

ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ip-masq-agent" \
	org.opencontainers.image.description="Decides, on a Kubernetes node, which pod traffic leaves with the node's address and which keeps the pod's" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.revision="$REVISION"

# There is no USER: iptables-legacy needs user ID 0, because the mode of its lock
# file is 0600. The manifest takes away what root need not have: it leaves two
# capabilities and a read-only root file system. Neither the agent nor iptables
# writes to it.
ENTRYPOINT ["/ip-masq-agent"]
