// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"io/fs"
	"net/netip"
	"path/filepath"

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

// source follows the file, or the files of a directory.
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
		s.glance = newGlance()
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
	before := s.settled
	s.settled = r

	w, warnings, err := s.parse(r)
	if err != nil {
		return s.refused(log, err), true
	}
	for _, p := range warnings {
		log.Info("Warning: " + p.String())
	}
	s.warnDefaults(log, r, before)
	log = log.WithValues(s.names(r)...)
	log.Info("Configuration read", "source", w.status.Source, "sha256", w.status.Hash,
		"nonMasqueradeCIDRs", append([]netip.Prefix{}, w.config.NonMasquerade...), // [] is none, and not null
		"masqueradeCIDRs", append([]netip.Prefix{}, w.config.Masquerade...),
		"sourceCIDRs", append([]netip.Prefix{}, w.config.Source...),
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
	switch {
	case !s.last.made:
		return false
	case r.same(s.last):
		return r.rewrittenSince(s.last)
	}
	return s.good != nil && (r.blank() || len(r.lost(s.last)) > 0) || r.writtenInPlace(s.last) || errors.Is(r.err, config.ErrChanging)
}

// names returns the path and, of a directory, the names of its files, for the log.
func (s *source) names(r reading) []any {
	names := r.files.Names()
	if _, found := r.file(s.path); found || errors.Is(r.err, fs.ErrNotExist) {
		return []any{"file", s.path}
	}
	for i, name := range names {
		names[i] = filepath.Base(name)
	}
	return []any{"file", s.path, "files", names}
}

// warnDefaults warns when the defaults take the place of what a good reading
// said, wholly or in part, or when there are other files where the agent's should
// be: a ConfigMap whose key was renamed looks like that.
func (s *source) warnDefaults(log klog.Logger, r, before reading) {
	fellBack := s.good != nil && !before.blank() && r.blank()
	others := []string{}
	if r.missing() {
		others = otherFiles(s.path)
	}
	lost := r.lost(before)
	switch {
	case fellBack && r.emptyDirectory():
		log.Info("Warning: the configuration directory has no files any more, falling back to the defaults", "file", s.path)
	case !r.blank() && len(lost) > 0:
		log.Info("Warning: files of the configuration directory are gone or empty, so what they said no longer applies", "file", s.path, "files", lost)
	case fellBack && r.missing():
		log.Info("Warning: the configuration file is gone, falling back to the defaults", "file", s.path, "otherFiles", others)
	case fellBack:
		log.Info("Warning: the configuration file is empty, falling back to the defaults", "file", s.path)
	case len(others) > 0 && !r.emptyDirectory():
		log.Info("Warning: there is no configuration file, using the defaults, but there are other files in its directory", "file", s.path, "otherFiles", others)
	}
}

// parse turns a reading into what it asks for.
func (s *source) parse(r reading) (want, []config.Problem, error) {
	if errors.Is(r.err, fs.ErrNotExist) {
		return want{config: config.Default(s.options), status: ConfigStatus{Source: FromDefault}}, nil, nil
	}
	if r.err != nil {
		return want{}, nil, r.err
	}
	c, _, warnings, err := r.files.Parse(s.options)
	status := ConfigStatus{Source: FromFile, Hash: r.hash()}
	if r.emptyDirectory() {
		status = ConfigStatus{Source: FromDefault}
	}
	return want{config: c, status: status}, warnings, err
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
