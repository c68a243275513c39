// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// peak is the maximum memory use in KiB.
type peak struct {
	Own int64 // the process
	Any int64 // the process or one of its child processes, whichever used more
}

// stop ends the process and returns its peak.
func (p *process) stop() (peak, error) {
	own, err := p.ownPeak()
	p.log.Close()
	if signalled := p.cmd.Process.Signal(syscall.SIGTERM); err == nil {
		err = signalled
	}
	if ended := p.cmd.Wait(); err == nil && ended != nil {
		err = fmt.Errorf("%w: its log is: %s", ended, p.logged())
	}
	if removed := p.group.remove(); err == nil {
		err = removed
	}
	if err != nil {
		return peak{}, err
	}
	// wait4(2) returns the maximum of the process and of all children that it
	// waited for.
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return peak{}, fmt.Errorf("no usage of %s", p.cmd.Path)
	}
	return peak{Own: own, Any: max(own, usage.Maxrss)}, nil
}

// ownPeak returns VmHWM, see proc(5).
func (p *process) ownPeak() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	words := strings.Fields(after)
	if len(words) == 0 {
		return 0, fmt.Errorf("no VmHWM of %s", p.cmd.Path)
	}
	return strconv.ParseInt(words[0], 10, 64)
}
