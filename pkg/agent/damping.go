// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import "time"

const (
	// fightRepairs repairs of one kind within fightWindow mean that another program
	// keeps undoing them.
	fightRepairs = 5
	fightWindow  = time.Minute
)

// repair is a kind of repair.
type repair int

// The kinds of repairs.
const (
	repairChain repair = iota
	repairJump
)

// damping slows down repairs while another program keeps undoing them. Without it,
// two agents with different files for one chain would each write once a second for
// ever. After fightRepairs repairs of one kind within fightWindow it enforces a
// pause before the next repair. The pause doubles with each repair, up to
// resyncInterval.
type damping struct {
	recent [repairJump + 1][]time.Time // the last repairs of each kind
	last   time.Time
	pause  time.Duration // 0: repairs are not slowed down
}

// repaired records repairs of these kinds, and reports whether the next one has to
// wait.
func (d *damping) repaired(interval time.Duration, kinds ...repair) bool {
	now := time.Now()
	fight := false
	for _, kind := range kinds {
		d.recent[kind] = append(d.recent[kind], now)
		if n := len(d.recent[kind]); n >= fightRepairs {
			d.recent[kind] = d.recent[kind][n-fightRepairs:]
			fight = fight || now.Sub(d.recent[kind][0]) < fightWindow
		}
	}
	if len(kinds) == 0 {
		return false
	}
	d.last = now
	if d.pause > 0 || fight {
		d.pause = min(2*max(d.pause, time.Second), interval)
	}
	return d.pause > 0
}

// waiting reports whether the next repair has to wait.
func (d *damping) waiting() bool { return time.Since(d.last) < d.pause }

// calm ends the damping and returns true if nothing was repaired for a fightWindow
// after the pause.
func (d *damping) calm() bool {
	if d.pause == 0 || time.Since(d.last) < d.pause+fightWindow {
		return false
	}
	*d = damping{}
	return true
}
