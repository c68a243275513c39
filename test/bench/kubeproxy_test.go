// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteKubeProxy(t *testing.T) {
	want := `*nat
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC-0000000000000000 - [0:0]
:KUBE-SEP-0000000000000000 - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
-A KUBE-SERVICES -d 10.96.0.0/32 -p tcp -m comment --comment "ns/svc0:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-0000000000000000
-A KUBE-SVC-0000000000000000 ! -s 10.244.0.0/16 -d 10.96.0.0/32 -p tcp -m comment --comment "ns/svc0:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-0000000000000000 -m comment --comment "ns/svc0:http -> 10.244.0.0:8080" -j KUBE-SEP-0000000000000000
-A KUBE-SEP-0000000000000000 -s 10.244.0.0/32 -m comment --comment "ns/svc0:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-0000000000000000 -p tcp -m comment --comment "ns/svc0:http" -m tcp -j DNAT --to-destination 10.244.0.0:8080
COMMIT
`
	var got strings.Builder
	if err := writeKubeProxy(&got, 1); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("one service (-want +got):\n%s", diff)
	}
	got.Reset()
	if err := writeKubeProxy(&got, 5000); err != nil {
		t.Fatal(err)
	}
	last := `-d 10.96.19.135/32 -p tcp -m comment --comment "ns/svc4999:http cluster IP"`
	if !strings.Contains(got.String(), last) {
		t.Errorf("the rules of 5000 services lack %s", last)
	}
}
