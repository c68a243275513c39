// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// A module of its own, so that what reads images and writes SBOMs is no
// dependency of the agent.
module ip-masq-agent/tools/image

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/google/go-containerregistry v0.22.1
	github.com/google/licensecheck v0.3.1
	github.com/package-url/packageurl-go v0.1.3
	github.com/spdx/tools-golang v0.5.7
)

require (
	github.com/anchore/go-struct-converter v0.1.0 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	ip-masq-agent v0.0.0
)

replace ip-masq-agent => ../..
