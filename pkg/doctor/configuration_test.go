// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
)

func TestConfiguration(t *testing.T) {
	invalid := &config.InvalidError{Problems: []config.Problem{{File: "f", Line: 2, Key: "k", Reason: "is wrong", Remedy: "correct it"}}}
	tests := []struct {
		node Node
		want string
	}{
		{Node{ConfigFile: "f"}, "ok: f is valid"},
		{Node{ConfigFile: "f", NoFile: true}, "info: there is no file f, so the defaults apply"},
		{Node{ConfigFile: "f", ConfigErr: invalid}, "error: the agent rejects the file: f:2: k: is wrong: correct it"},
		{Node{ConfigFile: "f", Root: "/proc/7/root"}, "ok: f in the agent's container is valid"},
		{Node{ConfigFile: "f", ConfigErr: errors.New("denied")}, "error: denied"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.want}, summaries(checkConfig(tt.node))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestReplacedDefaults(t *testing.T) {
	n := node()
	n.Defaults = n.Config.NonMasquerade
	n.Config.NonMasquerade = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.0.0/15")}
	want := []string{"ok: /etc/config/ip-masq-agent is valid", "info: the file overrides the default 172.16.0.0/12"}
	got := checkConfig(n)
	if diff := cmp.Diff(want, summaries(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("the file masquerades traffic to 172.16.0.0/12", got[1].Consequence); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Only the exception is masqueraded, not all of the default 10.0.0.0/8.
	n.Config.NonMasquerade = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	n.Config.Masquerade = []netip.Prefix{netip.MustParsePrefix("10.9.1.0/24")}
	exception := checkConfig(n)[1]
	if exception.What != "the file overrides the default 10.0.0.0/8" || exception.Consequence != "the file masquerades traffic to 10.9.1.0/24" {
		t.Errorf("with an exception: %+v", exception)
	}
}
