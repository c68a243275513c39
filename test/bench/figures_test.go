// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		values []time.Duration
		want   time.Duration
	}{
		{nil, 0},
		{[]time.Duration{7}, 7},
		{[]time.Duration{9, 1, 5}, 5},
		{[]time.Duration{9, 1, 5, 7}, 6},
	}
	for _, tt := range tests {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

// TestRatio checks that ratio uses the ratio of each round, not the ratio of
// the medians, which may be from different rounds.
func TestRatio(t *testing.T) {
	a, b := []time.Duration{10, 300, 40}, []time.Duration{5, 100, 80}
	if got := ratio(a, b); got != 2 {
		t.Errorf("ratio(%v, %v) = %v, want 2", a, b, got)
	}
	if got := ratio(a, []time.Duration{0, 0, 0}); got != 0 {
		t.Errorf("the ratio to zero is %v, want 0", got)
	}
}

func TestDifferences(t *testing.T) {
	got := differences([]time.Duration{10, 300, 40}, []time.Duration{5, 100, 80})
	if diff := cmp.Diff([]time.Duration{5, 200, -40}, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestFormats(t *testing.T) {
	got := []string{
		milliseconds(420 * time.Microsecond), milliseconds(5140 * time.Microsecond), milliseconds(318900 * time.Microsecond),
		seconds(1234 * time.Millisecond), mebibytes(12288), times(0), times(0.034), times(0.62), times(2.04), times(66.6),
	}
	want := []string{"0.42 ms", "5.1 ms", "319 ms", "1.23 s", "12.0 MiB", "–", "0.034×", "0.62×", "2.04×", "67×"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("formats (-want +got):\n%s", diff)
	}
}
