// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"k8s.io/apimachinery/pkg/api/meta"
)

// objects are the objects of a release by kind and name.
type objects map[string]runtime.Object

// decode decodes manifests like the API server with --validate=strict: an
// unknown or repeated field is an error.
func decode(t *testing.T, text string) objects {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	all := objects{}
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		m, err := meta.Accessor(object)
		if err != nil {
			t.Fatal(err)
		}
		key := kind.Kind + "/" + m.GetName()
		if all[key] != nil {
			t.Fatalf("there are two objects %s", key)
		}
		all[key] = object
	}
}

// release returns the objects that the chart renders with these values.
func release(t *testing.T, values string) objects {
	t.Helper()
	out, err := render(values)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, out)
}

// get returns the object with this kind and name.
func get[T runtime.Object](t *testing.T, all objects, key string) T {
	t.Helper()
	object, ok := all[key].(T)
	if !ok {
		t.Fatalf("%s is a %T; the objects are %v", key, all[key], all.keys())
	}
	return object
}

func (o objects) keys() []string {
	var all []string
	for key := range o {
		all = append(all, key)
	}
	return all
}

// kustomize runs "kubectl kustomize" for a kustomization that has manifests/ as
// its resource and the given components, or for the directory monitoring.
func kustomize(t *testing.T, components ...string) string {
	t.Helper()
	dir := t.TempDir()
	manifests, err := filepath.Abs(repository + "/manifests")
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Rel(dir, manifests)
	if err != nil {
		t.Fatal(err)
	}
	text := "resources:\n- " + path + "\n- " + path + "/monitoring\ncomponents: []\n"
	for _, c := range components {
		text = strings.Replace(text, "components: []", "components:", 1) + "- " + path + "/" + c + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	out, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
