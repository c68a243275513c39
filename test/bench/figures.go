// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// median returns the median. For an even number of values it is the mean of the
// middle two.
func median[T ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// pick returns one figure of each round.
func pick[R any, T cmp.Ordered](rounds []R, figure func(R) T) []T {
	var values []T
	for _, r := range rounds {
		values = append(values, figure(r))
	}
	return values
}

// ratio returns the median of the ratios of a and b in each round.
func ratio(a, b []time.Duration) float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			ratios = append(ratios, float64(a[i])/float64(b[i]))
		}
	}
	return median(ratios)
}

// differences returns a minus b in each round.
func differences(a, b []time.Duration) []time.Duration {
	var more []time.Duration
	for i := range min(len(a), len(b)) {
		more = append(more, a[i]-b[i])
	}
	return more
}

// times formats a ratio with two or three digits.
func times(r float64) string {
	switch {
	case r == 0:
		return "–"
	case r < 0.095:
		return fmt.Sprintf("%.3f×", r)
	case r < 9.5:
		return fmt.Sprintf("%.2f×", r)
	}
	return fmt.Sprintf("%.0f×", r)
}

// milliseconds formats a duration with two or three digits.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 0.995:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 99.5:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func mebibytes(kib int64) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }
