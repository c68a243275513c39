// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	purl "github.com/package-url/packageurl-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
)

const noAssertion = "NOASSERTION"

// licenseFinder returns the licenses of Go modules by path.
type licenseFinder func(context.Context, []debug.Module) (map[string][]string, error)

// sbom returns the software bill of materials of an image: the image, the agent
// with the Go modules it is built from, and the Debian packages.
func sbom(ctx context.Context, img *image, licensesOf licenseFinder) (*spdx.Document, error) {
	version := cmp.Or(img.label("version"), "devel")
	name := "ip-masq-agent-" + version + "-" + img.config.Architecture + img.config.Variant
	doc := &spdx.Document{
		SPDXVersion:    spdx.Version,
		DataLicense:    spdx.DataLicense,
		SPDXIdentifier: "DOCUMENT",
		DocumentName:   name,
		// A namespace is a URI that no other document has; nothing is there.
		DocumentNamespace: "https://spdx.org/spdxdocs/" + name + "-" + img.digest,
		CreationInfo: &spdx.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "ip-masq-agent/tools/image"}},
			Created:  img.config.Created.UTC().Format(time.RFC3339),
		},
	}
	container := newPackage("Image", "ip-masq-agent", version, "CONTAINER")
	container.PackageComment = "The configuration of the image has the digest sha256:" + img.digest
	doc.Packages = append(doc.Packages, container)
	relate(doc, "DOCUMENT", common.TypeRelationshipDescribe, container.PackageSPDXIdentifier)

	if err := addAgent(ctx, doc, img, version, licensesOf); err != nil {
		return nil, err
	}
	if err := addDebian(doc, img); err != nil {
		return nil, err
	}
	return doc, nil
}

// addAgent adds the agent, Go's standard library and the modules.
func addAgent(ctx context.Context, doc *spdx.Document, img *image, version string, licensesOf licenseFinder) error {
	agent := newPackage("Agent", "ip-masq-agent", version, "APPLICATION")
	agent.PackageFileName = "/" + agentFile
	agent.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: fmt.Sprintf("%x", sha256.Sum256(img.files[agentFile].data))}}
	agent.PackageLicenseDeclared = "Apache-2.0"
	contain(doc, agent)

	goVersion, modules, err := img.goModules()
	if err != nil {
		return err
	}
	licenses, err := licensesOf(ctx, modules)
	if err != nil {
		return err
	}
	// The name by which databases of vulnerabilities know the standard library.
	modules = append(modules, debug.Module{Path: "stdlib", Version: goVersion})
	licenses["stdlib"] = []string{"BSD-3-Clause"}
	for _, m := range modules {
		p := newPackage("Go-"+m.Path, m.Path, m.Version, "LIBRARY")
		p.PackageLicenseDeclared = expression(licenses[m.Path])
		namespace, base := "", m.Path
		if i := strings.LastIndex(m.Path, "/"); i >= 0 {
			namespace, base = m.Path[:i], m.Path[i+1:]
		}
		locate(p, purl.NewPackageURL(purl.TypeGolang, namespace, base, m.Version, nil, ""))
		doc.Packages = append(doc.Packages, p)
		relate(doc, agent.PackageSPDXIdentifier, common.TypeRelationshipDependsOn, p.PackageSPDXIdentifier)
	}
	return nil
}

// addDebian adds the Debian packages, and the licenses that have no SPDX name.
func addDebian(doc *spdx.Document, img *image) error {
	packages, err := img.debianPackages()
	if err != nil {
		return err
	}
	release := strings.TrimSpace(string(img.files["etc/debian_version"].data))
	major, _, _ := strings.Cut(release, ".")
	for _, d := range packages {
		p := newPackage("Debian-"+d.name, d.name, d.version, "LIBRARY")
		p.PackageSupplier = &common.Supplier{SupplierType: "Organization", Supplier: "Debian"}
		p.PackageSourceInfo = "built from the Debian source package " + d.source
		licenses := d.licenses()
		p.PackageLicenseDeclared = expression(licenses)
		locate(p, purl.NewPackageURL(purl.TypeDebian, "debian", d.name, d.version, purl.QualifiersFromMap(map[string]string{
			"arch": d.arch, "distro": "debian-" + major, "upstream": d.source,
		}), ""))
		contain(doc, p)
		for _, id := range licenses {
			known := func(l *spdx.OtherLicense) bool { return l.LicenseIdentifier == id }
			if strings.HasPrefix(id, "LicenseRef-") && !slices.ContainsFunc(doc.OtherLicenses, known) {
				doc.OtherLicenses = append(doc.OtherLicenses, &spdx.OtherLicense{
					LicenseIdentifier: id,
					LicenseName:       "Copyright file of the Debian package " + d.source,
					ExtractedText:     d.copyright,
				})
			}
		}
	}
	return nil
}

// newPackage returns a package about which nothing else is known.
func newPackage(id, name, version, purpose string) *spdx.Package {
	return &spdx.Package{
		PackageName:             name,
		PackageSPDXIdentifier:   identifier(id),
		PackageVersion:          version,
		PackageDownloadLocation: noAssertion,
		PackageLicenseConcluded: noAssertion,
		PackageLicenseDeclared:  noAssertion,
		PackageCopyrightText:    noAssertion,
		PrimaryPackagePurpose:   purpose,
	}
}

// identifier returns an SPDX identifier, which has letters, digits, "." and "-".
func identifier(id string) common.ElementID {
	return common.ElementID("Package-" + regexp.MustCompile(`[^A-Za-z0-9.-]`).ReplaceAllString(id, "-"))
}

// expression returns a license expression: all of them apply.
func expression(licenses []string) string {
	if len(licenses) == 0 {
		return noAssertion
	}
	return strings.Join(licenses, " AND ")
}

// locate adds a package URL.
func locate(p *spdx.Package, url *purl.PackageURL) {
	p.PackageExternalReferences = append(p.PackageExternalReferences, &spdx.PackageExternalReference{
		Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: url.ToString(),
	})
}

// contain adds a package that the image has.
func contain(doc *spdx.Document, p *spdx.Package) {
	doc.Packages = append(doc.Packages, p)
	relate(doc, identifier("Image"), common.TypeRelationshipContains, p.PackageSPDXIdentifier)
}

func relate(doc *spdx.Document, a common.ElementID, relationship string, b common.ElementID) {
	doc.Relationships = append(doc.Relationships, &spdx.Relationship{
		RefA:         common.MakeDocElementID("", string(a)),
		RefB:         common.MakeDocElementID("", string(b)),
		Relationship: relationship,
	})
}
