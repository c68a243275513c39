// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// ProbeLegacy returns why the kernel cannot hold the nat table of iptables-legacy for
// a family. It returns nil if the kernel can, or if that is not known, for example
// without NET_ADMIN: Apply then reports what fails. The error is
// [errors.ErrUnsupported].
//
// The kernel loads the module of the table and creates the empty table for it, as it
// does for Apply. ProbeLegacy starts a process only if the kernel does not know
// iptables-legacy for the family at all.
func ProbeLegacy(ctx context.Context, f netfilter.Family) error {
	err := askForLegacyTable(f, natTable)
	if errors.Is(err, unix.ENOPROTOOPT) {
		// iptables loads the module ip_tables or ip6_tables, if there is a modprobe.
		if path, err := find(ctx, Legacy, f); err == nil {
			_ = runTo(ctx, io.Discard, "", path+"-save", "-t", natTable) // the kernel has the answer
		}
		err = askForLegacyTable(f, natTable)
	}
	return err
}

// askForLegacyTable asks the kernel for a table, and returns why it has none. Errors
// of another kind are no answer.
func askForLegacyTable(f netfilter.Family, table string) error {
	s, err := newInfoSocket(f, table)
	if err == nil {
		defer unix.Close(s.fd)
		_, err = s.read(true)
	}
	lacking := []error{unix.ENOENT, unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.EAFNOSUPPORT}
	if slices.ContainsFunc(lacking, func(errno error) bool { return errors.Is(err, errno) }) {
		return fmt.Errorf("the kernel has no table %s of %s: %w: %w", table, Legacy.Command(f), errors.ErrUnsupported, err)
	}
	return nil
}

// unsupportedError is an error of iptables-restore that also is
// [errors.ErrUnsupported].
type unsupportedError struct{ error }

func (e unsupportedError) Unwrap() []error { return []error{e.error, errors.ErrUnsupported} }

// unsupported returns an error of iptables-restore as an unsupportedError if it says
// that the kernel lacks the table or an extension.
func unsupported(err error) error {
	for _, text := range []string{"unable to initialize table", "missing kernel module"} {
		if strings.Contains(err.Error(), text) {
			return unsupportedError{err}
		}
	}
	return err
}
