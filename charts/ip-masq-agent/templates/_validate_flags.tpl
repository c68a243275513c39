{{- /*
SPDX-License-Identifier: Apache-2.0
Copyright The ip-masq-agent Authors
*/ -}}

{{- /* reservedChains are the chain names that the agent rejects because iptables has chains or targets of these names. */ -}}
{{- define "ip-masq-agent.reservedChains" -}}
PREROUTING INPUT FORWARD OUTPUT POSTROUTING ACCEPT DROP QUEUE RETURN standard ERROR AUDIT CHECKSUM CLASSIFY
CLUSTERIP CONNMARK CONNSECMARK CT DNAT DNPT DSCP ECN HL HMARK IDLETIMER LED LOG MARK MASQUERADE MIRROR NAT NETMAP
NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT SAME SECMARK SET SNAT SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY
TRACE TTL ULOG
{{- end -}}

{{- /*
validateFlags rejects flags that the agent would reject at start, and flags in args that the check would
not see. Arguments: where, the prefix of messages, and instance.
*/ -}}
{{- define "ip-masq-agent.validateFlags" -}}
{{- $where := .where -}}
{{- $chain := .instance.masqChain -}}
{{- if has $chain (include "ip-masq-agent.reservedChains" . | splitList "\n" | join " " | splitList " ") -}}
  {{- fail (printf "%smasqChain: %s is a name of iptables itself: choose another, such as IP-MASQ" $where $chain) -}}
{{- end -}}
{{- $values := dict "masq-chain" "masqChain" "nomasq-all-reserved-ranges" "nomasqAllReservedRanges" "enable-ipv6" "enableIPv6" "random-fully" "randomFully" "to-ports" "toPorts" "backend" "backend" "config" "config, existingConfigMap or extraConfigMaps" -}}
{{- range $arg := .instance.args -}}
  {{- with get $values (regexFind "^[^=]*" $arg | trimPrefix "-" | trimPrefix "-") -}}
    {{- fail (printf "%sargs: %s: set %s instead, so that the flag is checked before an install" $where $arg .) -}}
  {{- end -}}
{{- end -}}
{{- end -}}
