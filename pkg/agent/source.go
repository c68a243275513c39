// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"

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
	started bool
	data    []byte // of the last reading
	err     string // of the last reading
	good    *want  // what the last good reading asked for
}

// poll reads the file. It returns what is wanted, and whether the reading told
// anything new; only then it logs.
func (s *source) poll(log klog.Logger) (want, bool) {
	data, err := config.Read(s.path)
	text := ""
	if err != nil {
		text = err.Error()
	}
	if s.started && bytes.Equal(data, s.data) && text == s.err {
		return want{}, false
	}
	s.started, s.data, s.err = true, data, text

	w, warnings, err := s.parse(data, err)
	if err != nil {
		return s.refused(log, err), true
	}
	for _, p := range warnings {
		log.Info("Warning: " + p.String())
	}
	log.Info("Configuration read", "source", w.status.Source, "file", s.path, "sha256", w.status.Hash,
		"nonMasqueradeCIDRs", w.config.NonMasquerade, "masqueradeCIDRs", w.config.Masquerade,
		"masqLinkLocal", w.config.MasqLinkLocal, "masqLinkLocalIPv6", w.config.MasqLinkLocalIPv6,
		"resyncInterval", w.config.ResyncInterval)
	s.good = &w
	return w, true
}

// parse turns a reading into what it asks for.
func (s *source) parse(data []byte, readErr error) (want, []config.Problem, error) {
	if errors.Is(readErr, fs.ErrNotExist) {
		return want{config: config.Default(s.options), status: ConfigStatus{Source: FromDefault}}, nil, nil
	}
	if readErr != nil {
		return want{}, nil, readErr
	}
	c, warnings, err := config.Parse(s.path, data, s.options)
	sum := sha256.Sum256(data)
	return want{config: c, status: ConfigStatus{Source: FromFile, Hash: hex.EncodeToString(sum[:8])}}, warnings, err
}

// refused returns what stays wanted when the file is no good.
func (s *source) refused(log klog.Logger, err error) want {
	if s.good != nil {
		log.Error(err, "Refused the file: the last good configuration stays in force", "file", s.path)
		w := *s.good
		w.status.Refused = err
		return w
	}
	log.Error(err, "Refused the file, and none was good before: where the kernel has a chain with rules it is left alone, elsewhere the defaults are applied", "file", s.path)
	return want{config: config.Default(s.options), stopgap: true, status: ConfigStatus{Refused: err, Source: FromDefault}}
}
