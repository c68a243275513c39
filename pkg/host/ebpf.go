// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// Link is a network device.
type Link struct {
	netfilter.Interface
	xdp bool // a program is attached at XDP
}

// ciliumDevice is the network device that the Cilium agent creates on each node.
const ciliumDevice = "cilium_host"

// EBPF describes the eBPF data planes that may act on packets before netfilter
// does: Cilium's device, and programs at XDP, tc and tcx of the given devices.
// If a check fails, EBPF returns the error and what the other checks found. The
// error is fs.ErrPermission where bpf(2) is not permitted, as in a container
// without CAP_BPF. EBPF then does not see programs at tcx.
func (r *Routes) EBPF(devices ...netfilter.Interface) ([]string, error) {
	var found []string
	var errs []error
	askTCX := true
	for _, l := range r.links {
		if l.Name == ciliumDevice {
			found = append(found, "Cilium (device "+ciliumDevice+")")
		}
		for _, d := range devices {
			if d.Index != l.Index {
				continue
			}
			if l.xdp {
				found = append(found, "an eBPF program at XDP of "+d.Name)
			}
			for _, hook := range []struct {
				name   string
				attach uint32 // enum bpf_attach_type of linux/bpf.h, Linux 6.6
				parent uint32 // of tc, linux/pkt_sched.h
			}{{"ingress", 46, 0xfffffff2}, {"egress", 47, 0xfffffff3}} {
				if tc, err := hasClassifier(d.Index, hook.parent); err != nil {
					errs = append(errs, fmt.Errorf("listing tc filters of %s: %w", d.Name, err))
				} else if tc {
					found = append(found, fmt.Sprintf("an eBPF program at tc %s of %s", hook.name, d.Name))
				}
				if !askTCX {
					continue
				}
				if tcx, err := hasTCX(d.Index, hook.attach); err != nil {
					errs = append(errs, fmt.Errorf("asking for tcx programs of %s: %w", d.Name, err))
					askTCX = false // the other hooks and devices fail too
				} else if tcx {
					found = append(found, fmt.Sprintf("an eBPF program at tcx %s of %s", hook.name, d.Name))
				}
			}
		}
	}
	return found, errors.Join(errs...)
}

// hasClassifier reports whether a device has a filter of kind bpf at a hook of its
// clsact or ingress qdisc, by RTM_GETTFILTER.
func hasClassifier(device int, parent uint32) (bool, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	const (
		tcmsgBytes = 20 // struct tcmsg of linux/rtnetlink.h
		tcaKind    = 1
	)
	request := make([]byte, tcmsgBytes)
	binary.NativeEndian.PutUint32(request[4:], uint32(device))
	binary.NativeEndian.PutUint32(request[12:], parent)
	messages, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETTFILTER, Flags: netlink.Request | netlink.Dump},
		Data:   request,
	})
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return false, nil // a kernel without tc, or a device without such a hook
	case err != nil:
		return false, err
	}
	for _, m := range messages {
		if len(m.Data) < tcmsgBytes {
			continue
		}
		attributes, err := netlink.NewAttributeDecoder(m.Data[tcmsgBytes:])
		if err != nil {
			return false, err
		}
		for attributes.Next() {
			if attributes.Type() == tcaKind && attributes.String() == "bpf" {
				return true, nil
			}
		}
	}
	return false, nil
}

// bpfQuery is the part of union bpf_attr that BPF_PROG_QUERY uses.
type bpfQuery struct {
	device, attach, queryFlags, attachFlags uint32
	programs                                uint64
	count, _                                uint32
	programFlags, links, linkFlags          uint64
	revision                                uint64
}

// hasTCX reports whether a device has a program at a hook of tcx, by bpf(2).
func hasTCX(device int, attach uint32) (bool, error) {
	const progQuery = 16 // BPF_PROG_QUERY of linux/bpf.h
	q := bpfQuery{device: uint32(device), attach: attach}
	_, _, errno := unix.Syscall(unix.SYS_BPF, progQuery, uintptr(unsafe.Pointer(&q)), unsafe.Sizeof(q))
	if errno == unix.EPERM || errno == unix.EACCES {
		return false, errno
	}
	return errno == 0 && q.count > 0, nil // any other: no such hook in this kernel or device
}
