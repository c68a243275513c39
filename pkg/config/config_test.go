// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/config"
)

// comparable lets cmp compare prefixes, whose fields it cannot see.
var comparable = cmpopts.EquateComparable(netip.Prefix{})

// prefixes parses a list of CIDRs separated by spaces; "" is nil.
func prefixes(list string) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range strings.Fields(list) {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

const (
	private  = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"
	reserved = "100.64.0.0/10 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4"
)

func TestDefault(t *testing.T) {
	for _, test := range []struct {
		name string
		o    config.Options
		want config.Config
	}{
		{"plain", config.Options{}, config.Config{
			NonMasquerade: prefixes(private), ResyncInterval: time.Minute,
		}},
		{"reserved ranges", config.Options{ReservedRanges: true}, config.Config{
			NonMasquerade: prefixes(private + " " + reserved), ResyncInterval: time.Minute,
		}},
		{"IPv6 changes no default", config.Options{IPv6: true}, config.Config{
			NonMasquerade: prefixes(private), ResyncInterval: time.Minute,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, config.Default(test.o), comparable); diff != "" {
				t.Errorf("Default (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaultIsFresh(t *testing.T) {
	first := config.Default(config.Options{})
	first.NonMasquerade[0] = netip.MustParsePrefix("1.0.0.0/8")
	second := config.Default(config.Options{})
	if diff := cmp.Diff(prefixes(private), second.NonMasquerade, comparable); diff != "" {
		t.Errorf("a second Default (-want +got):\n%s", diff)
	}
}
