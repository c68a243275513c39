// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/config"
)

// want is what is to be in force, as the file was last read.
type want struct {
	config config.Config
	// stopgap tells that no good file was ever read: config is the defaults,
	// and only for a family whose chain has no rules in the kernel.
	stopgap bool
	status  ConfigStatus
}

// source follows the file.
type source struct {
	path    string
	options config.Options
	last    reading // the last that was made
	settled reading // the last that was used
	glance  *glance // nil before the first reading
	pending bool    // the last reading was not used yet
	good    *want   // what the last good reading asked for
}

// poll reads the file, unless it cannot have changed. It returns what is wanted,
// and whether that may differ from before. Only then it logs.
func (s *source) poll(log klog.Logger) (want, bool) {
	if s.glance == nil {
		s.glance = newGlance(s.path)
	}
	if !s.pending && s.glance.unchanged() {
		return want{}, false
	}
	s.glance.beforeReading(s.path)
	r := read(s.path)
	s.pending = s.unsettled(r)
	s.last = r
	if s.pending || r.same(s.settled) {
		return want{}, false
	}
	fellBack := s.good != nil && !s.settled.blank() && r.blank()
	s.settled = r

	w, warnings, err := s.parse(r)
	if err != nil {
		return s.refused(log, err), true
	}
	for _, p := range warnings {
		log.Info("Warning: " + p.String())
	}
	s.warnDefaults(log, r, fellBack)
	log.Info("Configuration read", "source", w.status.Source, "file", s.path, "sha256", w.status.Hash,
		"nonMasqueradeCIDRs", append([]netip.Prefix{}, w.config.NonMasquerade...), // [] is none, and not null
		"masqueradeCIDRs", append([]netip.Prefix{}, w.config.Masquerade...),
		"masqLinkLocal", w.config.MasqLinkLocal, "masqLinkLocalIPv6", w.config.MasqLinkLocalIPv6,
		"resyncInterval", w.config.ResyncInterval)
	s.good = &w
	return w, true
}

// unsettled tells that a reading may be of a file that is being written, so that
// the next one has to agree before it is used. Writers that keep the file, such
// as those of a hostPath, truncate it first; others remove it. The kubelet
// replaces it whole, which is used at once. Two readings of an empty file do not
// agree if it was written in between.
func (s *source) unsettled(r reading) bool {
	if !s.last.made || r.same(s.last) && !(r.blank() && r.rewrittenSince(s.last)) {
		return false
	}
	return s.good != nil && r.blank() || r.sameFile(s.last)
}

// warnDefaults warns when the defaults take the place of a good file, or when
// there are other files where the agent's should be: a ConfigMap whose key was
// renamed looks like that.
func (s *source) warnDefaults(log klog.Logger, r reading, fellBack bool) {
	others := []string{}
	if r.missing() {
		others = otherFiles(s.path)
	}
	switch {
	case fellBack && r.missing():
		log.Info("Warning: the configuration file is gone, falling back to the defaults", "file", s.path, "otherFiles", others)
	case fellBack:
		log.Info("Warning: the configuration file is empty, falling back to the defaults", "file", s.path)
	case len(others) > 0:
		log.Info("Warning: there is no configuration file, using the defaults, but there are other files in its directory", "file", s.path, "otherFiles", others)
	}
}

// parse turns a reading into what it asks for.
func (s *source) parse(r reading) (want, []config.Problem, error) {
	if r.missing() {
		return want{config: config.Default(s.options), status: ConfigStatus{Source: FromDefault}}, nil, nil
	}
	if r.err != nil {
		return want{}, nil, r.err
	}
	c, warnings, err := config.Parse(s.path, r.data, s.options)
	sum := sha256.Sum256(r.data)
	return want{config: c, status: ConfigStatus{Source: FromFile, Hash: hex.EncodeToString(sum[:8])}}, warnings, err
}

// refused returns what stays wanted when the file cannot be used.
func (s *source) refused(log klog.Logger, err error) want {
	if s.good != nil {
		log.Error(err, "Invalid configuration, the last valid one stays in force", "file", s.path)
		w := *s.good
		w.status.Refused = err
		return w
	}
	log.Error(err, "Invalid configuration and no previous valid one: chains that have rules are left unchanged, others get the defaults", "file", s.path)
	return want{config: config.Default(s.options), stopgap: true, status: ConfigStatus{Refused: err, Source: FromDefault}}
}
