// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"strings"

	"ip-masq-agent/pkg/backend"
)

// lockFile is the lock file of iptables-legacy. All its users must share it.
const lockFile = "/run/xtables.lock"

// checkLock reports whether the agent shares the host's lock file.
func checkLock(n Node) []Finding {
	f := Finding{Check: "lock", Severity: OK, What: lockFile + " is the host's"}
	switch hosts, why, err := hostsFile(n.Mounts, lockFile); {
	case n.MountsErr != nil:
		f.Severity, f.What = Unchecked, fmt.Sprintf("cannot tell whether %s is the host's: %v", lockFile, n.MountsErr)
	case err != nil:
		f.Severity, f.What = Unchecked, fmt.Sprintf("cannot tell whether %s is the host's: %v", lockFile, err)
	case hosts:
	case n.Backend.Name != backend.IPTablesLegacy:
		f.Severity, f.What = Info, fmt.Sprintf("%s is not the host's (%s), and %s does not need it", lockFile, why, n.Backend.Name)
	default:
		f.Severity, f.What = Warning, lockFile+" is not the host's: "+why
		f.Consequence = "iptables-legacy reads and writes whole tables: this agent and kube-proxy may undo each other's changes"
		f.Remedy = "mount the host's " + lockFile + " as the DaemonSet's manifest does"
	}
	return []Finding{f}
}

// hostsFile returns from /proc/self/mountinfo, see proc(5), whether a file is the
// host's, and why not. Outside a container every file is. In a container the file is
// the host's if it, or a directory that contains it, is mounted from a directory
// inside another file system. A file system of the container is mounted from its
// root.
func hostsFile(mountinfo, path string) (hosts bool, why string, err error) {
	container, mount, at, root, kind := false, "", "", "", ""
	for line := range strings.Lines(mountinfo) {
		words := strings.Fields(line)
		_, behind, ok := strings.Cut(line, " - ")
		if len(words) < 6 || !ok {
			continue
		}
		point, of := words[4], strings.Fields(behind)
		if point == "/" && len(of) > 0 {
			container = of[0] == "overlay" || of[0] == "fuse-overlayfs" || of[0] == "aufs" || strings.Contains(words[3], "/snapshots/")
		}
		// Of several mounts at one point the last one hides the others.
		inside := path == point || strings.HasPrefix(path, strings.TrimSuffix(point, "/")+"/")
		if inside && len(point) >= len(at) && len(of) > 0 {
			mount, at, root, kind = line, point, words[3], of[0]
		}
	}
	switch {
	case mount == "":
		return false, "", fmt.Errorf("%s is not in mountinfo", path)
	case !container:
		return true, "", nil
	case at == "/":
		return false, "it is in the container's root file system", nil
	case at != path && root == "/":
		return false, fmt.Sprintf("it is in %s, a %s of the container", at, kind), nil
	}
	return true, "", nil
}
