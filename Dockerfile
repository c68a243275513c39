# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# The image of the DaemonSet: the agent, one static binary, and iptables in both
# backends. docker and buildah build it, for every platform of the base image:
#
#   docker buildx build --platform linux/arm64 --build-arg VERSION=v1.2.3 .
#   buildah bud --platform linux/arm64 --build-arg BUILDPLATFORM=linux/amd64 --build-arg VERSION=v1.2.3 .
#
# BUILDPLATFORM is the machine's own; buildah 1.28 takes it for the image's.

ARG GO_IMAGE=docker.io/library/golang:1.26-bookworm

# Why Debian 12, slim: its iptables is 1.8.9, with both backends under names of
# their own, and is the one that all measurements and tests of this repository
# are made with. apt alone adds it: no source is compiled and no wrapper script
# chooses a backend. And Debian builds it for every platform named below. For an
# image that can be built again bit by bit, give a digest: debian@sha256:...
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

# The compiler runs on the machine that builds, whatever the image is for.
FROM --platform=$BUILDPLATFORM $GO_IMAGE AS build
WORKDIR /src
# A module mirror, for those who must use one.
ARG GOPROXY
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY pkg pkg
ARG VERSION=devel
# The tag leaves HTTP/2 out of net/http: 0.35 MB for what neither the kubelet nor
# Prometheus speaks to a plain port.
# amd64, arm64, ppc64le, s390x, arm; the variant is v7 for arm, and else unused.
ARG TARGETARCH
ARG TARGETVARIANT
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} \
	go build -tags nethttpomithttp2 -gcflags=all=-l -gcflags=runtime= -gcflags=internal/runtime/...= -gcflags=syscall= -gcflags=ip-masq-agent/...= -trimpath -ldflags "-s -w -X main.version=$VERSION" \
	-o /ip-masq-agent ./cmd/ip-masq-agent

FROM $BASE_IMAGE
# The package's own logs and lists go, so that the layer holds what it installs.
# The commands are asked for their version because a base image in which one of
# them is missing must fail here and not on a node.
RUN apt-get update \
	&& DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends iptables \
	&& rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log /var/log/alternatives.log \
	&& iptables-nft --version && ip6tables-nft --version \
	&& iptables-legacy --version && ip6tables-legacy --version
COPY --from=build /ip-masq-agent /ip-masq-agent

ARG VERSION=devel
ARG REVISION=unknown
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="ip-masq-agent" \
	org.opencontainers.image.description="Decides, on a Kubernetes node, which pod traffic leaves with the node's address and which keeps the pod's" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.base.name="$BASE_IMAGE"

# No USER: iptables-legacy wants uid 0, for its lock file is 0600. What root may
# do is the manifest's business: two capabilities, on a read-only root, to which
# neither the agent nor iptables writes.
ENTRYPOINT ["/ip-masq-agent"]
