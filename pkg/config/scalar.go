// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// minInterval keeps a slip ("60ms" for "60s", a bare 0) from turning the agent
// into a load on every node.
const minInterval = 100 * time.Millisecond

// scalar returns a function that reads the value of a key that is no list: with
// read, unless it is null. Only one file of a directory may have the key.
func scalar(read func(*parser, entry) *fault) func(*parser, entry) {
	return func(p *parser, e entry) {
		if !p.giveOnce(e) {
			return
		}
		if e.value == nil {
			p.warnings.add(e.line, e.key, "", fault{"has no value, so its default is used", "write a value or remove the key"})
			return
		}
		if f := read(p, e); f != nil {
			p.problems.add(e.line, e.key, e.place.text(e.value), *f)
		}
	}
}

// set assigns a value that parse accepts.
func set[T any](to *T, parse func(any) (T, *fault), e entry) *fault {
	value, f := parse(e.value)
	if f == nil {
		*to = value
	}
	return f
}

func parseBool(value any) (bool, *fault) {
	if b, ok := value.(bool); ok {
		return b, nil
	}
	f := fault{"is " + kind(value) + ", not a boolean", "write true or false"}
	if s, ok := value.(string); ok {
		switch s = strings.ToLower(strings.TrimSpace(s)); s {
		case "true", "false":
			f.remedy = "write " + s + " without quotes"
		}
	}
	return false, &f
}

// limit is cidrLimit: the most entries that the lists may have together.
type limit struct {
	key       string // as written
	file      string
	line      int
	byDefault bool
	value     int
	valid     bool // false: the file's value cannot be used
}

func parseLimit(value any) (int, *fault) {
	number, ok := value.(json.Number)
	if !ok {
		f := fault{"is " + kind(value) + ", not a number", "write a whole number, such as 64"}
		if s, ok := value.(string); ok {
			if n, err := strconv.Atoi(s); err == nil && n >= 0 {
				f.remedy = fmt.Sprintf("write %d without quotes", n)
			}
		}
		return 0, &f
	}
	n, err := strconv.Atoi(number.String())
	if err != nil || n < 0 {
		return 0, &fault{"is not a whole number of 0 or more", "write a whole number, such as 64"}
	}
	return n, nil
}

// parseInterval reads any duration of [time.ParseDuration], and a number
// without a unit as seconds: the GKE page calls s the default unit.
func parseInterval(value any) (time.Duration, *fault) {
	text, ok := value.(string)
	if number, isNumber := value.(json.Number); isNumber {
		text, ok = number.String(), true
	}
	if !ok {
		return 0, &fault{"is " + kind(value) + ", not a duration", "write a number and its unit, such as 60s"}
	}
	interval, err := duration(text)
	if err != nil {
		f := fault{"is not a duration", "write a number and its unit (ms, s, m or h), such as 60s"}
		tidy := strings.ToLower(strings.Join(strings.Fields(text), ""))
		if _, err := duration(tidy); err == nil {
			f.remedy = "write " + clip(tidy)
		}
		return 0, &f
	}
	if interval < minInterval {
		return 0, &fault{"is less than " + minInterval.String(), "write " + minInterval.String() + " or more, such as 60s"}
	}
	return interval, nil
}

// duration reads text, in seconds if it has no unit.
func duration(text string) (time.Duration, error) {
	// Nothing but a bare number gets a unit: "1m30" is a slip, not 1m30s.
	if strings.Trim(text, "+-.0123456789") == "" {
		text += "s"
	}
	return time.ParseDuration(text)
}
