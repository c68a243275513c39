// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bufio"
	"fmt"
	"io"
)

// writeKubeProxy writes the nat table of kube-proxy for a number of services
// with one endpoint each, as input of iptables-restore: 4 chains of kube-proxy
// and, for each service, two chains and five rules.
func writeKubeProxy(out io.Writer, services int) error {
	w := bufio.NewWriter(out)
	fmt.Fprint(w, "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-POSTROUTING - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n")
	for i := range services {
		fmt.Fprintf(w, ":KUBE-SVC-%016X - [0:0]\n:KUBE-SEP-%016X - [0:0]\n", i, i)
	}
	fmt.Fprint(w, `-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
`)
	for i := range services {
		service := fmt.Sprintf("10.%d.%d.%d", 96+i>>16, i>>8&255, i&255)
		endpoint := fmt.Sprintf("10.244.%d.%d", i>>8&255, i&255)
		portal := fmt.Sprintf(`-d %s/32 -p tcp -m comment --comment "ns/svc%d:http cluster IP" -m tcp --dport 80`, service, i)
		fmt.Fprintf(w, "-A KUBE-SERVICES %s -j KUBE-SVC-%016X\n", portal, i)
		fmt.Fprintf(w, "-A KUBE-SVC-%016X ! -s 10.244.0.0/16 %s -j KUBE-MARK-MASQ\n", i, portal)
		fmt.Fprintf(w, `-A KUBE-SVC-%016X -m comment --comment "ns/svc%d:http -> %s:8080" -j KUBE-SEP-%016X`+"\n", i, i, endpoint, i)
		fmt.Fprintf(w, `-A KUBE-SEP-%016X -s %s/32 -m comment --comment "ns/svc%d:http" -j KUBE-MARK-MASQ`+"\n", i, endpoint, i)
		fmt.Fprintf(w, `-A KUBE-SEP-%016X -p tcp -m comment --comment "ns/svc%d:http" -m tcp -j DNAT --to-destination %s:8080`+"\n", i, i, endpoint)
	}
	fmt.Fprint(w, "COMMIT\n")
	return w.Flush()
}
