// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/program"
)

// sighting is the result of sending one packet.
type sighting struct {
	protocol int // syscall.IPPROTO_UDP or IPPROTO_TCP
	port     int
	pod      netip.Addr // the sender
	source   netip.Addr // the source that the outside saw; the zero Addr if it did not arrive
}

func (s sighting) String() string {
	name := map[int]string{syscall.IPPROTO_UDP: "udp", syscall.IPPROTO_TCP: "tcp"}[s.protocol]
	became := "nothing came"
	if s.source.IsValid() {
		became = s.source.String()
	}
	return fmt.Sprintf("%s/%d %s -> %s", name, s.port, s.pod, became)
}

const (
	// patience is the time limit for packets that should arrive. shortPatience is
	// that for the search of the rules that a failure needs, which tries many.
	patience, shortPatience = program.Patience, 6 * time.Second
	// attempt is the time limit for one packet. Between namespaces of one
	// machine it takes much less than a millisecond.
	attempt = 250 * time.Millisecond
)

// probe opens a few new connections from a pod's address and returns the
// results. It repeats packets that do not arrive until the time is over.
func (w *testbed) probe(t *testing.T, source, destination netip.Addr, d time.Duration) []sighting {
	t.Helper()
	var out []sighting
	for _, port := range ports {
		for _, protocol := range []int{syscall.IPPROTO_UDP, syscall.IPPROTO_UDP, syscall.IPPROTO_TCP} {
			out = append(out, sighting{protocol: protocol, port: port, pod: source})
		}
	}
	for end := time.Now().Add(d); ; {
		var numbers []uint64
		var index []int
		done := make(chan struct{})
		for i, s := range out {
			if s.source.IsValid() {
				continue
			}
			number, err := w.send(s.protocol, netip.AddrPortFrom(destination, uint16(s.port)), source, done)
			if err != nil {
				t.Fatalf("sending from %s to %s: %v", source, destination, err)
			}
			numbers, index = append(numbers, number), append(index, i)
		}
		w.observer.wait(numbers, attempt)
		close(done)
		missing := false
		for i, number := range numbers {
			out[index[i]].source = w.observer.source(number)
			missing = missing || !out[index[i]].source.IsValid()
		}
		if !missing || time.Now().After(end) {
			return out
		}
	}
}

// send sends one packet from a new port, so that it starts a connection, and
// returns its number. The socket is closed when done is closed.
func (w *testbed) send(protocol int, to netip.AddrPort, source netip.Addr, done <-chan struct{}) (uint64, error) {
	if w.sourcePort++; w.sourcePort < 10_000 {
		w.sourcePort = 10_000
	}
	w.sent++
	number := w.sent
	kind := syscall.SOCK_DGRAM
	if protocol == syscall.IPPROTO_TCP {
		kind = syscall.SOCK_STREAM
	}
	domain, local, remote := sockaddrs(netip.AddrPortFrom(source, w.sourcePort), to)
	payload := binary.BigEndian.AppendUint64(nil, number)
	var fd int
	err := w.pod.Do(func() (err error) {
		if fd, err = syscall.Socket(domain, kind|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, protocol); err != nil {
			return err
		}
		if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
			return err
		}
		if err = syscall.Bind(fd, local); err != nil {
			return err
		}
		if err = syscall.Connect(fd, remote); err == syscall.EINPROGRESS {
			err = nil
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	go func() {
		// A blocking write would wait for the connection.
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &syscall.Timeval{Usec: attempt.Microseconds()})
		syscall.SetNonblock(fd, false)
		syscall.Write(fd, payload)
		<-done
		syscall.Close(fd)
	}()
	return number, nil
}

func sockaddrs(local, remote netip.AddrPort) (domain int, l, r syscall.Sockaddr) {
	if local.Addr().Is4() {
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: int(local.Port()), Addr: local.Addr().As4()},
			&syscall.SockaddrInet4{Port: int(remote.Port()), Addr: remote.Addr().As4()}
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Port: int(local.Port()), Addr: local.Addr().As16()},
		&syscall.SockaddrInet6{Port: int(remote.Port()), Addr: remote.Addr().As16()}
}

func sightings(list []sighting) string {
	var words []string
	for _, s := range list {
		words = append(words, s.String())
	}
	return strings.Join(words, ", ")
}
