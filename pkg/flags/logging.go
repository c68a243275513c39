// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package flags

import (
	"flag"

	"k8s.io/klog/v2"
)

// addLogging adds the flags of klog.
func (s *Set) addLogging() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	s.Group("Logging (klog)").AddGoFlagSet(flags)
}

// addIgnoredLogging adds flags with the names of klog's that have no effect.
func (s *Set) addIgnoredLogging() {
	flags, ignored := flag.NewFlagSet("klog", flag.ContinueOnError), flag.NewFlagSet("ignored", flag.ContinueOnError)
	klog.InitFlags(flags)
	flags.VisitAll(func(f *flag.Flag) {
		b, ok := f.Value.(interface{ IsBoolFlag() bool })
		ignored.Var(ignoredValue(ok && b.IsBoolFlag()), f.Name, f.Usage)
	})
	s.Group("Logging (klog)").AddGoFlagSet(ignored)
}

// ignoredValue is a [flag.Value] that accepts any value. It is true for a boolean
// flag, which needs no value.
type ignoredValue bool

func (v ignoredValue) Set(string) error { return nil }
func (v ignoredValue) String() string   { return "" }
func (v ignoredValue) IsBoolFlag() bool { return bool(v) }
