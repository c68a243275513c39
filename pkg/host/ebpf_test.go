// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestEBPF attaches programs to tc and tcx of a device and has a device of
// Cilium's name beside it.
func TestEBPF(t *testing.T) {
	netns.Require(t, "tc")
	netns.Run(t, func(t *testing.T) {
		node := netns.Here(t)
		node.IP(t, "link add eth0 type veth peer name eth1")
		node.IP(t, "link set eth0 up")
		device := func(r *Routes, name string) netfilter.Interface {
			for _, l := range r.links {
				if l.Name == name {
					return l.Interface
				}
			}
			t.Fatalf("there is no device %s", name)
			return netfilter.Interface{}
		}
		find := func() []string {
			r := open(t)
			found, err := r.EBPF(device(r, "eth0"))
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if got := find(); got != nil {
			t.Errorf("on a device without programs: %q", got)
		}
		node.IP(t, "link add cilium_host type veth peer name cilium_net")
		attachTCX(t, device(open(t), "eth0").Index)
		node.Run(t, "tc", "qdisc", "add", "dev", "eth0", "clsact")
		node.Run(t, "tc", "filter", "add", "dev", "eth0", "ingress", "bpf", "da", "bytecode", "1,6 0 0 4294967295,")
		want := []string{"Cilium (device cilium_host)", "an eBPF program at tc ingress of eth0", "an eBPF program at tcx egress of eth0"}
		got := find()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// attachTCX loads a program that passes every packet on, and attaches it to
// tcx egress of a device for as long as this process lives.
func attachTCX(t *testing.T, device int) {
	t.Helper()
	const (
		progLoad, linkCreate = 5, 28 // BPF_PROG_LOAD, BPF_LINK_CREATE
		schedCLS             = 3     // BPF_PROG_TYPE_SCHED_CLS
		tcxEgress            = 47
	)
	// r0 = -1 (TCX_NEXT); exit
	code := []byte{0xb7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x95, 0, 0, 0, 0, 0, 0, 0}
	license := []byte("Apache-2.0\x00")
	load := struct {
		kind, count   uint32
		code, license uint64
		rest          [96]byte
	}{schedCLS, 2, uint64(uintptr(unsafe.Pointer(&code[0]))), uint64(uintptr(unsafe.Pointer(&license[0]))), [96]byte{}}
	program, _, errno := unix.Syscall(unix.SYS_BPF, progLoad, uintptr(unsafe.Pointer(&load)), unsafe.Sizeof(load))
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	if errno != 0 {
		t.Skipf("this kernel loads no eBPF program: %v", errno)
	}
	link := struct {
		program, device, attach, flags uint32
		rest                           [32]byte
	}{uint32(program), uint32(device), tcxEgress, 0, [32]byte{}}
	if _, _, errno := unix.Syscall(unix.SYS_BPF, linkCreate, uintptr(unsafe.Pointer(&link)), unsafe.Sizeof(link)); errno != 0 {
		t.Skipf("this kernel has no tcx: %v", errno)
	}
}
