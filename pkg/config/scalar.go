// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// minInterval is the minimum resyncInterval. It keeps a typing error ("60ms" for
// "60s", or 0) from loading every node.
const minInterval = 100 * time.Millisecond

// scalarKey returns the function that parses the value of a key that is not a list.
// A null value means the default. Only one file of a directory may have the key.
func scalarKey(parse func(*parser, entry) *message) func(*parser, entry) {
	return func(p *parser, e entry) {
		if p.definedElsewhere(e) {
			return
		}
		if e.value == nil {
			p.warnings.add(e.line, e.key, "", message{"has no value, so its default is used", "write a value or remove the key"})
			return
		}
		if m := parse(p, e); m != nil {
			p.problems.add(e.line, e.key, e.position.text(e.value), *m)
		}
	}
}

// assign sets *to to the parsed value, unless it is invalid.
func assign[T any](to *T, parse func(any) (T, *message), e entry) *message {
	value, m := parse(e.value)
	if m == nil {
		*to = value
	}
	return m
}

func parseBool(value any) (bool, *message) {
	if b, ok := value.(bool); ok {
		return b, nil
	}
	m := message{"is " + typeName(value) + ", not a boolean", "write true or false"}
	if s, ok := value.(string); ok {
		switch s = strings.ToLower(strings.TrimSpace(s)); s {
		case "true", "false":
			m.remedy = "write " + s + " without quotes"
		}
	}
	return false, &m
}

// cidrLimit is the key of this name: the maximum number of entries that the lists
// may have together.
type cidrLimit struct {
	key       string // as written
	file      string
	line      int
	byDefault bool
	value     int
	valid     bool // false: the file has an invalid value
}

func parseLimit(value any) (int, *message) {
	number, ok := value.(json.Number)
	if !ok {
		m := message{"is " + typeName(value) + ", not a number", "write a whole number, such as 64"}
		if s, ok := value.(string); ok {
			if n, err := strconv.Atoi(s); err == nil && n >= 0 {
				m.remedy = fmt.Sprintf("write %d without quotes", n)
			}
		}
		return 0, &m
	}
	n, err := strconv.Atoi(number.String())
	switch {
	case errors.Is(err, strconv.ErrRange) && !strings.HasPrefix(number.String(), "-"):
		return 0, &message{"is too large", "write a smaller number, such as 64"}
	case err != nil || n < 0:
		return 0, &message{"is not a whole number of 0 or more", "write a whole number, such as 64"}
	}
	return n, nil
}

// parseInterval parses a duration of [time.ParseDuration], or a number of seconds
// without a unit: s is the default unit in the GKE documentation.
func parseInterval(value any) (time.Duration, *message) {
	text, ok := value.(string)
	if number, isNumber := value.(json.Number); isNumber {
		text, ok = number.String(), true
	}
	if !ok {
		return 0, &message{"is " + typeName(value) + ", not a duration", "write a number and its unit, such as 60s"}
	}
	interval, err := parseDuration(text)
	if err != nil {
		m := message{"is not a duration", "write a number and its unit (ms, s, m or h), such as 60s"}
		tidy := strings.ToLower(strings.Join(strings.Fields(text), ""))
		if _, err := parseDuration(tidy); err == nil {
			m.remedy = "write " + shorten(tidy)
		}
		return 0, &m
	}
	if interval < minInterval {
		return 0, &message{"is less than " + minInterval.String(), "write " + minInterval.String() + " or more, such as 60s"}
	}
	return interval, nil
}

// parseDuration parses a duration. A bare number is in seconds.
func parseDuration(text string) (time.Duration, error) {
	// Text such as "1m30" stays an error, because its last unit is missing.
	if strings.Trim(text, "+-.0123456789") == "" {
		text += "s"
	}
	return time.ParseDuration(text)
}
