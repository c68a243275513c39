// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command image describes an image of the agent, given as the archive that
// "docker save" or "buildah push docker-archive:" writes.
//
//	image size ARCHIVE    prints the size of its files and their number
//	image sbom ARCHIVE    prints its SBOM, as JSON of SPDX 2.3
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	spdxjson "github.com/spdx/tools-golang/json"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: image size|sbom ARCHIVE")
	}
	img, err := readImage(args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "size":
		_, err = fmt.Fprintf(stdout, "%d bytes in %d files\n", img.size(), len(img.files))
		return err
	case "sbom":
		doc, err := sbom(ctx, img, moduleLicenses)
		if err != nil {
			return err
		}
		return spdxjson.Write(doc, stdout, spdxjson.Indent("  "), spdxjson.EscapeHTML(false))
	default:
		return fmt.Errorf("unknown subcommand %q: it is size or sbom", args[0])
	}
}
