// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// other is the rules of another program.
const other = `*nat
:KUBE-POSTROUTING - [0:0]
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
COMMIT
`

// start runs the agent on the node for both families until the test ends. It
// returns when the rules are in force.
func start(t testing.TB, backend, config string, args ...string) *program.Process {
	t.Helper()
	all := []string{"--config=" + config, "--enable-ipv6", "--backend=" + backend, "--http-bind-address="}
	p := program.Start(t, program.Command(nil, append(all, args...)...))
	for _, family := range []string{"IPv4", "IPv6"} {
		program.Eventually(t, func() string {
			if len(netns.List(t, backend, family, "IP-MASQ")) < 2 {
				return "there is no chain of the agent for " + family + ""
			}
			return ""
		})
	}
	return p
}

// byFamily returns the value for the family.
func byFamily(family, ipv4, ipv6 string) string {
	if family == "IPv6" {
		return ipv6
	}
	return ipv4
}

// goodFile returns the path of a valid configuration file for both families.
func goodFile(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs("testdata/ipv6.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNode runs the subcommands on a node in turn: on a healthy node, with a
// rule that masquerades too much, and during and after cleanup. It compares the
// transcript with a golden file.
func TestNode(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Restore(t, backend, family, other)
		clean := netns.Save(t, backend, family)
		a := start(t, backend, goodFile(t))
		dst := byFamily(family, "10.8.1.1", "fd00::1")
		var out strings.Builder
		run := func(args ...string) result {
			r := subcommand(t, "", nil, args...)
			out.WriteString(transcript(r, "ip-masq-agent "+strings.Join(args, " ")) + "\n")
			return r
		}
		words := []string{" of iptables-legacy,", ",", fmt.Sprintf("process %d", a.PID()), "process 1", goodFile(t), "/etc/config/ip-masq-agent",
			"--backend=" + backend, "--backend=BACKEND", "is " + backend + ",", "is BACKEND,", backend + strings.Repeat(" ", 17-len(backend)), "BACKEND  ", backend + "-", "BACKEND-", strings.Replace(backend, "iptables", "ip6tables", 1) + "-", "BACKEND-"}

		run("explain", "--live", dst)
		netns.IPTables(t, backend, family, "-I", "POSTROUTING", "-d", dst, "-j", "MASQUERADE")
		run("explain", "--live", dst)
		run("cleanup") // while the agent runs
		a.Stop(syscall.SIGTERM)
		netns.IPTables(t, backend, family, "-D", "POSTROUTING", "-d", dst, "-j", "MASQUERADE")
		dry := subcommand(t, "", nil, "cleanup", "--backend="+backend, "--dry-run")
		handles := regexp.MustCompile(`handle \d+`)
		golden(t, "dry-run-"+backend+"-"+family, handles.ReplaceAllString(transcript(dry, "ip-masq-agent cleanup --backend="+backend+" --dry-run"), "handle N"), true)
		run("cleanup", "--backend="+backend)
		if diff := cmp.Diff(clean, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("the table after cleanup (-want +got):\n%s", diff)
		}
		if again := run("cleanup", "--backend="+backend); again.status != 0 {
			t.Errorf("the second cleanup ended with status %d", again.status)
		}
		golden(t, "node-"+family, out.String(), backend == "iptables-nft", words...)
	})
}

// TestDoctor checks that doctor finds nothing on a healthy node, and that it
// exits with status 1 and a finding after a change.
func TestDoctor(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Restore(t, backend, family, other)
		a := start(t, backend, goodFile(t))
		type diagnosis struct {
			Agent    struct{ PID int }
			Backend  string
			Findings []struct{ Check, Severity, Family, What string }
		}
		doctor := func(status int) []string {
			t.Helper()
			r := subcommand(t, "", nil, "doctor", "-o", "json")
			if r.status != status {
				t.Errorf("status %d, want %d: %s%s", r.status, status, r.stdout, r.stderr)
			}
			var d diagnosis
			if err := json.Unmarshal([]byte(r.stdout), &d); err != nil {
				t.Fatal(err)
			}
			if d.Agent.PID != a.PID() || d.Backend != backend {
				t.Errorf("doctor found agent %d with backend %s, want agent %d with backend %s", d.Agent.PID, d.Backend, a.PID(), backend)
			}
			var wrong []string
			for _, f := range d.Findings {
				if f.Severity != "ok" && f.Check != "lock" && f.Check != "config" { // the lock belongs to the machine, and the file replaces defaults
					wrong = append(wrong, strings.Join([]string{f.Severity, f.Check, f.Family, f.What}, " "))
				}
			}
			return wrong
		}
		if wrong := doctor(0); wrong != nil {
			t.Errorf("on a healthy node: %q", wrong)
		}
		netns.Restore(t, backend, family, "*nat\n-A POSTROUTING -m comment --comment \"kubenet: SNAT for outbound traffic from cluster\" -m addrtype ! --dst-type LOCAL -j MASQUERADE\nCOMMIT\n")
		want := []string{"warning foreign-rule " + family + " kubenet's rule, after the agent's jump rule, masquerades traffic that the file does not masquerade"}
		if diff := cmp.Diff(want, doctor(1)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		text := subcommand(t, "", nil, "doctor")
		if text.status != 1 || !strings.Contains(text.stdout, "warning    "+family+": kubenet's rule") || !strings.Contains(text.stdout, "Using the flags of the running agent") {
			t.Errorf("status %d:\n%s", text.status, text.stdout)
		}
	})
}
