// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package stories_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// story is the state of one running story.
type story struct {
	t       testing.TB
	dir     string // the working directory
	backend string // empty for a story without a node
	agent   *program.Process
}

type storyKey struct{}

func of(ts *testscript.TestScript) *story { return ts.Value(storyKey{}).(*story) }

// host returns the backend of iptables in which the rules of other programs are.
func (s *story) host() string {
	if s.backend == netns.NFTables {
		return "iptables-nft"
	}
	return s.backend
}

// file returns the path of the agent's file.
func (s *story) file() string { return filepath.Join(s.dir, ".etc", "ip-masq-agent") }

// usage ends the story unless the command has the expected form.
func usage(ts *testscript.TestScript, ok bool, form string) {
	if !ok {
		ts.Fatalf("usage: %s", form)
	}
}

// family ends the story unless the word names an IP family.
func family(ts *testscript.TestScript, word string) string {
	usage(ts, word == "IPv4" || word == "IPv6", "the first argument is IPv4 or IPv6")
	return word
}

// writeConfig puts a file or a directory of the story, by a rename, where the
// agent reads it. "config -" removes it.
func writeConfig(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "config FILE|DIRECTORY|-")
	s := of(ts)
	if s.agent != nil {
		s.agent.SkipLog()
	}
	if args[0] == "-" {
		ts.Check(os.Remove(s.file()))
		return
	}
	ts.Check(os.MkdirAll(filepath.Dir(s.file()), 0o755))
	if source := ts.MkAbs(args[0]); isDirectory(source) {
		ts.Check(os.Symlink(source, s.file()+".new"))
	} else {
		ts.Check(os.WriteFile(s.file()+".new", []byte(ts.ReadFile(args[0])), 0o644))
	}
	ts.Check(os.Rename(s.file()+".new", s.file()))
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// startAgent starts the agent with the file of config, the backend of the node
// and the given flags. A second call stops the agent that runs. The variable PID
// becomes the agent's process ID.
func startAgent(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg, "agent [FLAG...]")
	s := of(ts)
	if s.agent != nil {
		s.agent.Stop(syscall.SIGTERM)
	}
	flags := []string{"--config=" + s.file()}
	if s.backend != "" {
		flags = append(flags, "--backend="+s.backend)
	}
	s.agent = program.Start(s.t, program.Command(nil, append(flags, args...)...))
	ts.Setenv("PID", strconv.Itoa(s.agent.PID()))
}

// terminate ends the agent with SIGTERM. It must exit with status 0.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "terminate")
	s := of(ts)
	s.agent.Stop(syscall.SIGTERM)
	s.agent = nil
}

// waitLog waits until one line of the agent's log has all of the words. It
// considers the lines since the last command config or agent. With "!" there
// must be no such line so far, and it does not wait.
func waitLog(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) > 0, "log TEXT..., ! log TEXT...")
	agent := of(ts).agent
	if !neg {
		agent.WaitLog(args...)
	} else if agent.Logged(args...) {
		ts.Fatalf("the log has a line with %q", args)
	}
}

// lines returns the lines of a file of the story.
func lines(ts *testscript.TestScript, file string) []string {
	text := strings.TrimSpace(ts.ReadFile(file))
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// waitChain waits until the rules do what the chain in a file of the story does,
// which is as "iptables -t nat -S IP-MASQ" prints it. On the backends of iptables
// the chain must be literally the same, with the agent's own jump to it. With
// "!" there must be no part of the rules.
func waitChain(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) == 1 || !neg && len(args) == 2, "chain FAMILY FILE, ! chain FAMILY")
	s := of(ts)
	have := rules.New(s.backend, family(ts, args[0]))
	program.Eventually(s.t, func() string {
		if !neg {
			return have.Differ(s.t, lines(ts, args[1]))
		}
		if have.Exist(s.t) {
			return "there are rules:\n" + have.List(s.t)
		}
		return ""
	})
}

// waitJumps waits until the rules of POSTROUTING that lead to chain IP-MASQ are
// those of a file of the story, and the chain is that of another.
func waitJumps(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "jumps FAMILY FILE CHAINFILE")
	s := of(ts)
	family := family(ts, args[0])
	program.Eventually(s.t, func() string {
		got := slices.DeleteFunc(netns.List(s.t, s.backend, family, "POSTROUTING"), func(rule string) bool { return !strings.HasSuffix(rule, " IP-MASQ") })
		if diff := cmp.Diff(lines(ts, args[1]), got); diff != "" {
			return "jumps (-want +got):\n" + diff
		}
		if diff := cmp.Diff(lines(ts, args[2]), netns.List(s.t, s.backend, family, "IP-MASQ")); diff != "" {
			return "chain (-want +got):\n" + diff
		}
		return ""
	})
}

// waitOthers waits until the nat table without chain IP-MASQ and the rules that
// lead to it is that of a file of the story, as iptables-save prints it.
func waitOthers(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "others FAMILY FILE")
	s := of(ts)
	family := family(ts, args[0])
	program.Eventually(s.t, func() string {
		got := slices.DeleteFunc(strings.Split(strings.TrimSpace(netns.Save(s.t, s.host(), family)), "\n"), func(line string) bool {
			return strings.HasPrefix(line, ":IP-MASQ ") || strings.HasPrefix(line, "-A IP-MASQ ") || strings.HasSuffix(line, " IP-MASQ") || strings.HasPrefix(line, ":") && strings.HasSuffix(line, " ACCEPT [0:0]")
		})
		if diff := cmp.Diff(lines(ts, args[1]), got); diff != "" {
			return "rules of others (-want +got):\n" + diff
		}
		return ""
	})
}

// restore gives a file of the story to iptables-restore --noflush.
func restore(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "rules FAMILY FILE")
	s := of(ts)
	netns.Restore(s.t, s.host(), family(ts, args[0]), ts.ReadFile(args[1]))
}

// status runs a command, which must exit with the given status. Its output can be
// compared afterwards, as that of exec.
func status(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1, "status NUMBER COMMAND [ARGUMENT...]")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exited with status %d, want %d", args[1], got, want)
	}
}
