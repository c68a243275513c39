// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/config"
)

// desired is the desired state: the configuration that the rules must follow.
type desired struct {
	config config.Config
	// fallback means that no valid file was read yet. config is then the
	// defaults, which apply only to a family that has no rules in the kernel.
	fallback bool
	status   ConfigStatus
}

// source reads the file, or the files of a directory, when they change.
type source struct {
	path      string
	options   config.Options
	last      reading    // the last reading
	settled   reading    // the last reading that was used
	fileWatch *fileWatch // nil before the first reading
	pending   bool       // the last reading has to be confirmed by another
	valid     *desired   // what the last valid reading asked for; nil if there was none
}

// poll reads the file unless it is proven unchanged. It returns the desired state
// and whether that may differ from before. It logs only if it may.
func (s *source) poll(log klog.Logger) (desired, bool) {
	if s.fileWatch == nil {
		s.fileWatch = newFileWatch()
	}
	if !s.pending && s.fileWatch.unchanged() {
		return desired{}, false
	}
	s.fileWatch.record(s.path)
	r := read(s.path)
	s.pending = s.unsettled(r)
	s.last = r
	if s.pending || r.same(s.settled) {
		return desired{}, false
	}
	before := s.settled
	s.settled = r

	d, warnings, err := s.parse(r)
	if err != nil {
		return s.invalid(log, err), true
	}
	for _, p := range warnings {
		log.Info("Warning: the configuration is accepted, but should be corrected", "problem", p.String())
	}
	s.warnDefaults(log, r, before)
	log = log.WithValues(s.names(r)...)
	log.Info("Configuration read", "source", d.status.Source, "sha256", d.status.Hash,
		"nonMasqueradeCIDRs", listForLog(log, d.config.NonMasquerade),
		"masqueradeCIDRs", listForLog(log, d.config.Masquerade),
		"sourceCIDRs", listForLog(log, d.config.Source),
		"masqLinkLocal", d.config.MasqLinkLocal, "masqLinkLocalIPv6", d.config.MasqLinkLocalIPv6,
		"resyncInterval", d.config.ResyncInterval)
	s.valid = &d
	return d, true
}

// maxLogged is the maximum number of ranges of a list in the log, unless -v is 4 or
// more. It is the default of cidrLimit.
const maxLogged = 64

// listForLog returns a list as the log shows it. A longer list ends with the number
// of ranges that are left out. An empty list is [], and not null.
func listForLog(log klog.Logger, list []netip.Prefix) []string {
	shown := []string{}
	for i, p := range list {
		if i == maxLogged && !log.V(4).Enabled() {
			return append(shown, fmt.Sprintf("and %d more, which -v=4 logs", len(list)-i))
		}
		shown = append(shown, p.String())
	}
	return shown
}

// unsettled reports whether the file may be in the middle of a write, so that the
// next reading has to agree before this one is used. Programs that write a file in
// place, such as editors on a hostPath, truncate it first; others remove it. The
// kubelet replaces files as a whole, and such a reading is used at once. Two equal
// readings do not agree if the file was written in between.
func (s *source) unsettled(r reading) bool {
	switch {
	case !s.last.made:
		return errors.Is(r.err, config.ErrChanging)
	case r.same(s.last):
		return r.rewrittenSince(s.last)
	}
	return s.valid != nil && (r.blank() || len(r.lost(s.last)) > 0) || r.writtenInPlace(s.last) || errors.Is(r.err, config.ErrChanging)
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

// warnDefaults warns if defaults replace what a valid reading said, completely or
// in part, or if the file is missing and there are others beside it, as after the
// key of a ConfigMap was renamed.
func (s *source) warnDefaults(log klog.Logger, r, before reading) {
	fellBack := s.valid != nil && !before.blank() && r.blank()
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

// parse returns the desired state of a reading.
func (s *source) parse(r reading) (desired, []config.Problem, error) {
	if errors.Is(r.err, fs.ErrNotExist) {
		return desired{config: config.Default(s.options), status: ConfigStatus{Source: FromDefault}}, nil, nil
	}
	if r.err != nil {
		return desired{}, nil, r.err
	}
	c, _, warnings, err := r.files.Parse(s.options)
	status := ConfigStatus{Source: FromFile, Hash: r.hash()}
	if r.emptyDirectory() {
		status = ConfigStatus{Source: FromDefault}
	}
	return desired{config: c, status: status}, warnings, err
}

// invalid returns the desired state while the file cannot be used.
func (s *source) invalid(log klog.Logger, err error) desired {
	if s.valid != nil {
		log.Error(err, "Invalid configuration, the last valid one stays in force", "file", s.path)
		d := *s.valid
		d.status.Err = err
		return d
	}
	log.Error(err, "Invalid configuration and no previous valid one: chains that have rules are left unchanged, others get the defaults", "file", s.path)
	return desired{config: config.Default(s.options), fallback: true, status: ConfigStatus{Err: err, Source: FromDefault}}
}
