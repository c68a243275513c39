// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// host is a process in a network namespace of its own, connected to this one.
// Its first answer is that its device is ready.
type host struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	ask     *json.Encoder
	answers *json.Decoder
}

// newHost connects a host through a device with this name and address in this
// namespace. The host configures its own device with the ip(8) commands of
// setup.
func newHost(device, address string, setup ...string) (*host, error) {
	runtime.LockOSThread() // for Pdeathsig; this process ends after the measurement
	cmd := isolated("host")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := &host{cmd, stdin, json.NewEncoder(stdin), json.NewDecoder(stdout)}
	err = ip(
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", device, cmd.Process.Pid),
		fmt.Sprintf("address add %s dev %s", address, device),
		fmt.Sprintf("link set %s up", device),
	)
	if err != nil {
		return nil, err
	}
	if err := h.ask.Encode(append([]string{"link set eth0 up"}, setup...)); err != nil {
		return nil, err
	}
	var ready time.Duration
	if err := h.answers.Decode(&ready); err != nil {
		return nil, err
	}
	return h, waitRunning(device)
}

// waitRunning waits until a device sends packets. The kernel handles its carrier
// asynchronously and drops all packets until then.
func waitRunning(device string) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		i, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		if i.Flags&net.FlagRunning != 0 {
			return nil
		}
	}
	return fmt.Errorf("the device %s has no carrier after %v", device, patience)
}

// send makes the host open n connections and returns the CPU time for that.
func (h *host) send(n int) (took time.Duration, err error) {
	if err := h.ask.Encode(n); err != nil {
		return 0, err
	}
	return took, h.answers.Decode(&took)
}

// close ends the host, which also deletes its namespace.
func (h *host) close() {
	h.stdin.Close()
	h.cmd.Wait()
}

// runHost is the program of the host.
func runHost(stdin io.Reader, stdout io.Writer) error {
	in, out := json.NewDecoder(stdin), json.NewEncoder(stdout)
	var setup []string
	if err := in.Decode(&setup); err != nil {
		return err
	}
	if err := ip(setup...); err != nil {
		return err
	}
	if err := out.Encode(time.Duration(0)); err != nil {
		return err
	}
	// A higher priority, so that other load on the machine is not measured.
	runtime.LockOSThread()
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, -20); err != nil {
		return fmt.Errorf("setting a higher priority: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for run := byte(1); ; run = run%250 + 1 {
		var n int
		if err := in.Decode(&n); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		// Measure CPU time, because on a busy machine other processes run in
		// between. It includes the kernel's work for the packets, which happens
		// within Sendto.
		before, err := threadCPU()
		if err != nil {
			return err
		}
		if err := openConnections(fd, run, n); err != nil {
			return err
		}
		after, err := threadCPU()
		if err != nil {
			return err
		}
		if err := out.Encode(after - before); err != nil {
			return err
		}
	}
}

// threadCPU returns the CPU time of this thread.
func threadCPU() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}

// openConnections sends one packet to each of n ports. Each is a connection of
// its own for the kernel of the node. The packet has passed the node when
// Sendto returns.
func openConnections(fd int, run byte, n int) error {
	payload := []byte("bench")
	for port := 1; port <= n; port++ {
		to := unix.SockaddrInet4{Port: port, Addr: [4]byte{198, 51, 100, run}}
		if err := unix.Sendto(fd, payload, 0, &to); err != nil {
			return fmt.Errorf("sending to port %d: %w", port, err)
		}
	}
	return nil
}
