// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const folder = "../../manifests"

// readFile returns the content of a file in manifests/.
func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decode decodes a manifest like the API server with --validate=strict: an
// unknown or repeated field is an error.
func decode(t *testing.T, data []byte) runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(data, nil, nil)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, data)
	}
	return object
}

// as decodes a manifest of the given kind.
func as[T runtime.Object](t *testing.T, data []byte) T {
	t.Helper()
	object := decode(t, data)
	wanted, ok := object.(T)
	if !ok {
		t.Fatalf("the manifest is a %T", object)
	}
	return wanted
}

func daemonSet(t *testing.T) *appsv1.DaemonSet {
	t.Helper()
	return as[*appsv1.DaemonSet](t, readFile(t, "ip-masq-agent.yaml"))
}

// build runs "kubectl kustomize" for a directory and returns the manifests.
func build(t *testing.T, path string) [][]byte {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		t.Fatalf("kustomize build %s: %v", path, err)
	}
	var manifests [][]byte
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, text)
	}
	return manifests
}

// TestEveryManifestIsStrict searches the manifests itself, so that none is left
// out.
func TestEveryManifestIsStrict(t *testing.T) {
	var manifests, kustomizations int
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.Run(strings.TrimPrefix(path, folder+"/"), func(t *testing.T) {
			switch {
			case !strings.HasSuffix(path, "/kustomization.yaml"):
				manifests++
				decode(t, text)
			case strings.Contains(string(text), "\nkind: Component\n"):
				kustomizations++ // built as a part of another one, in kustomize_test.go
			default:
				kustomizations++
				for _, m := range build(t, filepath.Dir(path)) {
					decode(t, m)
				}
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if manifests < 4 || kustomizations < 4 {
		t.Errorf("found %d manifests and %d kustomizations, fewer than there are", manifests, kustomizations)
	}
}

// TestStrictIsStrict checks that decode rejects an unknown field.
func TestStrictIsStrict(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(readFile(t, "ip-masq-agent.yaml")), "hostNetwork:", "hostnetwork:", 1)
	if _, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode([]byte(wrong), nil, nil); err == nil {
		t.Error("a misspelt field was accepted")
	}
}
