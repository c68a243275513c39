// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"path/filepath"
	"testing"

	"ip-masq-agent/test/volume"
)

// configVolume is the volume with the agent's ConfigMap.
type configVolume struct{ volume.Volume }

// path returns the path of the file that the agent reads.
func (v *configVolume) path() string { return filepath.Join(v.Dir, "ip-masq-agent") }

// write makes content the value of the ConfigMap's key.
func (v *configVolume) write(t testing.TB, content string) {
	t.Helper()
	v.publish(t, map[string]string{"ip-masq-agent": content})
}

// remove deletes the key, as deleting an optional ConfigMap does.
func (v *configVolume) remove(t testing.TB) {
	t.Helper()
	v.publish(t, nil)
}

// publish replaces all files of the volume.
func (v *configVolume) publish(t testing.TB, files map[string]string) {
	t.Helper()
	if err := v.Publish(files); err != nil {
		t.Fatalf("updating the volume: %v", err)
	}
}
