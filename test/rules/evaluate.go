// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import "fmt"

// evaluation is the state of sending a packet through a table.
type evaluation struct {
	table  *table
	packet packet
	out    outcomes
	depth  int
}

// outcomesOf returns the outcomes of the table for a packet. A statement that
// the agent's table does not have is an error.
func (t *table) outcomesOf(p packet) (outcomes, error) {
	e := evaluation{table: t, packet: p, out: outcomes{}}
	left, err := e.chain(t.base.Name, 1)
	e.out.add(kept, left) // the policy is accept
	return e.out, err
}

// maxDepth is the kernel's limit of jumps.
const maxDepth = 16

// chain sends a share of the packets through a chain and returns the share that
// reaches its end.
func (e *evaluation) chain(name string, share float64) (left float64, err error) {
	c := e.table.chains[name]
	if e.depth++; c == nil || e.depth > maxDepth {
		return 0, fmt.Errorf("a verdict refers to chain %q, which does not exist or exceeds the jump limit", name)
	}
	defer func() { e.depth-- }()
	ended := 0.0
	for _, r := range c.rules {
		next, end, err := e.rule(r, share)
		if err != nil {
			return 0, fmt.Errorf("chain %s: %w", name, err)
		}
		share, ended = next, ended+end
	}
	return share + ended, nil
}

// rule returns the share that continues with the next rule, and the share that
// is finished with this chain.
func (e *evaluation) rule(rule []statement, share float64) (next, ended float64, err error) {
	for _, s := range rule {
		switch s.kind {
		case "counter":
			continue
		case "match":
			matches, err := e.match(s.data)
			if err != nil || !matches {
				return share, 0, err
			}
			continue
		case "vmap":
			return e.verdictMap(s.data, share)
		}
		return e.verdict(s, share)
	}
	return share, 0, nil
}

// verdict evaluates a statement that ends the rule.
func (e *evaluation) verdict(s statement, share float64) (next, ended float64, err error) {
	if share == 0 {
		return 0, 0, nil
	}
	switch s.kind {
	case "accept":
		e.out.add(kept, share)
		return 0, 0, nil
	case "return":
		return 0, share, nil
	case "jump":
		next, err = e.chain(text(s.data, "target"), share)
		return next, 0, err
	case "goto":
		ended, err = e.chain(text(s.data, "target"), share)
		return 0, ended, err
	case "masquerade":
		ports, err := portsOf(field(s.data, "port"))
		flags := texts(s.data, "flags")
		if err == nil && flags != "" && flags != "fully-random" {
			err = fmt.Errorf("masquerade has flags %s", flags)
		}
		e.out.add(masqueraded(ports, flags != ""), share)
		return 0, 0, err
	}
	return 0, 0, fmt.Errorf("statement %s %v is not understood", s.kind, s.data)
}

// verdictMap evaluates a verdict map. Its key is an address or a random number.
// The agent's maps have no element with the verdict "continue".
func (e *evaluation) verdictMap(data any, share float64) (next, ended float64, err error) {
	elements, err := e.elements(field(data, "data"))
	if err != nil {
		return 0, 0, err
	}
	left := share
	for _, element := range elements {
		pair, ok := element.([]any)
		if !ok || len(pair) != 2 {
			return 0, 0, fmt.Errorf("element %v has no verdict", element)
		}
		part, err := e.share(field(data, "key"), pair[0])
		if err != nil {
			return 0, 0, err
		}
		verdict, _ := pair[1].(map[string]any)
		for kind, target := range verdict {
			n, end, err := e.verdict(statement{kind, target}, share*part)
			if err != nil {
				return 0, 0, err
			}
			next, ended = next+n, ended+end
		}
		left -= share * part
	}
	return next + left, ended, nil
}

// share returns the share of the packets with a key. It is 0 or 1 for an
// address, and in between for a random number.
func (e *evaluation) share(key, value any) (float64, error) {
	if mod, ok := field(field(key, "numgen"), "mod").(float64); ok {
		if text(field(key, "numgen"), "mode") != "random" || field(field(key, "numgen"), "offset") != 0.0 {
			return 0, fmt.Errorf("number %v is not understood", key)
		}
		from, to, err := numbers(value)
		return (to - from + 1) / mod, err
	}
	matches, err := e.has(key, value)
	if matches {
		return 1, err
	}
	return 0, err
}

// match evaluates a match of a packet field against a value or a set.
func (e *evaluation) match(data any) (bool, error) {
	op := text(data, "op")
	if op != "==" && op != "in" && op != "!=" {
		return false, fmt.Errorf("match %v is not understood", data)
	}
	found, err := e.has(field(data, "left"), field(data, "right"))
	return found != (op == "!="), err
}

// elements returns the elements of an anonymous or a named set.
func (e *evaluation) elements(data any) ([]any, error) {
	if name, ok := data.(string); ok && len(name) > 1 && name[0] == '@' && e.table.sets[name[1:]] != nil {
		return e.table.sets[name[1:]].Elem, nil
	}
	if elements, ok := field(data, "set").([]any); ok {
		return elements, nil
	}
	return nil, fmt.Errorf("set %v is not understood", data)
}
