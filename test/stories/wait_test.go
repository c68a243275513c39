// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package stories_test

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// nft gives a file of the story to nft -f.
func nft(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "nft FILE")
	netns.NFT(of(ts).t, ts.ReadFile(args[0]))
}

// waitOutput runs a command, again and again, until its standard output is a file
// of the story. The command may fail until then.
func waitOutput(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1, "eventually FILE COMMAND [ARGUMENT...]")
	want := ts.ReadFile(args[0])
	program.Eventually(of(ts).t, func() string {
		got, err := netns.Output(args[1], args[2:]...)
		diff := cmp.Diff(want, got)
		if diff != "" && err != nil {
			return err.Error()
		}
		return diff
	})
}

// waitReady waits until the agent says that it verified its rules in the kernel.
// With "!" it waits until the agent is not ready, for a reason with a text.
func waitReady(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) == 1 || !neg && len(args) == 0, "ready, ! ready TEXT")
	client := http.Client{Timeout: 5 * time.Second}
	program.Eventually(of(ts).t, func() string {
		answer, err := client.Get("http://127.0.0.1:10292/readyz")
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		switch ready := answer.StatusCode == http.StatusOK; {
		case err != nil:
			return err.Error()
		case !neg && !ready:
			return "the agent is not ready: " + string(body)
		case neg && ready:
			return "the agent is ready"
		case neg && !strings.Contains(string(body), args[0]):
			return "the agent is not ready, but not for " + args[0] + ": " + string(body)
		}
		return ""
	})
}
