// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package stories_test runs stories: scripts in the format of testscript, with
// the agent's file, the rules of the node and the expected rules in one txtar
// file each. README.md describes the commands.
//
// Stories are for tests that say "given this file and these rules, the agent does
// that". Tests that need packets or concurrency are in test/agent, and tests of
// subcommands that need other processes or containers in test/subcommands.
package stories_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

var update = flag.Bool("update", false, "rewrite the expected output in the stories with the actual output")

func TestMain(m *testing.M) {
	flag.Parse()
	// A story mostly waits for the agent, so many can run at once.
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "8")
	}
	os.Exit(program.Main(m, program.Race))
}

// TestOffline runs the stories that need no rules. explain asks for the route, so
// they have a network with default routes of both families, whatever the machine has.
func TestOffline(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		node, world := netns.Here(t), netns.New(t)
		netns.Connect(t, node, "eth0", world, "eth0")
		node.Address(t, "eth0", "192.0.2.2/24", "fd00::2/64")
		node.Route(t, "default", "192.0.2.1")
		node.Route(t, "default", "fd00::1")
		for _, file := range stories(t, "offline") {
			run(t, file, "")
		}
	})
}

// TestNode runs each story on a node of each backend.
func TestNode(t *testing.T) { onNodes(t, "node", netns.Backends()) }

// TestIPTables runs each story on a node of each backend of iptables. These
// stories are about what does not exist in a table of the agent's own, such as
// the jump.
func TestIPTables(t *testing.T) { onNodes(t, "iptables", netns.IPTablesBackends()) }

// TestIPTablesNFT runs each story on a node of the backend iptables-nft. These
// stories are about rules that nft wrote into the tables of iptables.
func TestIPTablesNFT(t *testing.T) { onNodes(t, "iptables-nft", []string{"iptables-nft"}) }

// TestMixed runs each story on a node without a backend: the story itself names
// the backends that it uses.
func TestMixed(t *testing.T) { onNodes(t, "mixed", []string{""}) }

// TestNFTables runs each story on a node of the backend nftables.
func TestNFTables(t *testing.T) { onNodes(t, "nftables", []string{netns.NFTables}) }

// stories returns the stories of a directory of testdata. There is at least one.
func stories(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("stories in testdata/%s: %q, %v", dir, files, err)
	}
	return files
}

// onNodes runs the stories of a directory on the backends, each in a network
// namespace of its own, which is the node.
func onNodes(t *testing.T, dir string, backends []string) {
	for _, file := range stories(t, dir) {
		t.Run(name(file), func(t *testing.T) {
			for _, backend := range backends {
				used, title := []string{backend}, backend
				if backend == "" {
					used, title = netns.Backends(), "all"
				}
				t.Run(title, func(t *testing.T) {
					for _, b := range used {
						netns.Require(t, append(netns.Tools(b, "IPv4"), netns.Tools(b, "IPv6")...)...)
					}
					netns.Run(t, func(t *testing.T) { run(t, file, backend) })
				})
			}
		})
	}
}

func name(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txtar") }

// run runs one story, on a node of a backend if one is given.
func run(t *testing.T, file, backend string) {
	testscript.Run(t, testscript.Params{
		Files:               []string{file},
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"agent":      startAgent,
			"chain":      waitChain,
			"config":     writeConfig,
			"eventually": waitOutput,
			"jumps":      waitJumps,
			"log":        waitLog,
			"nft":        nft,
			"others":     waitOthers,
			"ready":      waitReady,
			"rules":      restore,
			"status":     status,
			"terminate":  terminate, // "stop" is testscript's own: it ends the story
		},
		Setup: func(e *testscript.Env) error { return setup(e, backend) },
	})
}

// setup gives a story its environment: the agent in PATH, and what the tools of
// the node are called.
func setup(e *testscript.Env, backend string) error {
	bin := filepath.Join(e.WorkDir, ".bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(program.Path(), filepath.Join(bin, "ip-masq-agent")); err != nil {
		return err
	}
	e.Vars = append(e.Vars, "PATH="+bin+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0", "XTABLES_LOCKFILE="+os.Getenv("XTABLES_LOCKFILE"))
	s := &story{t: e.T().(testing.TB), dir: e.WorkDir, backend: backend}
	if backend != "" {
		e.Vars = append(e.Vars, "BACKEND="+backend, "IPTABLES="+netns.Command(s.host(), "IPv4"), "IP6TABLES="+netns.Command(s.host(), "IPv6"))
	}
	e.Values[storyKey{}] = s
	return nil
}
