// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ip-masq-agent/pkg/config"
)

// maxManifest is the maximum size of the input in bytes. A manifest may have more
// than one ConfigMap.
const maxManifest = 16 << 20

// stdinName is the name of the standard input in results.
const stdinName = "(stdin)"

// Path checks a file, a pipe or a directory. The name - means the standard input.
func Path(name string, stdin io.Reader, o Options) []Result {
	if name == "-" {
		return readAndCheck(stdinName, stdin, o)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		files, err := config.Read(name)
		if err != nil {
			return []Result{unreadable(name, err)}
		}
		_, err = os.Lstat(filepath.Join(name, "..data"))
		results := checkDirectory(name, files, err == nil, o)
		results[0].Warnings = append(results[0].Warnings, danglingLinks(name)...)
		return results
	}
	file, err := os.Open(name)
	if err != nil {
		return []Result{unreadable(name, err)}
	}
	defer file.Close()
	return readAndCheck(name, file, o)
}

// danglingLinks returns warnings about links in a directory that lead to no file.
// The agent skips them without one, because a volume has them during an update.
func danglingLinks(directory string) []config.Problem {
	var out []config.Problem
	entries, _ := os.ReadDir(directory) // config.Read reported an error
	for _, e := range entries {
		path := filepath.Join(directory, e.Name())
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !strings.HasPrefix(e.Name(), ".") {
			out = append(out, config.Problem{File: path, Reason: "is a link to a file that does not exist, so it is skipped", Remedy: "correct or remove the link"})
		}
	}
	return out
}

func readAndCheck(name string, r io.Reader, o Options) []Result {
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if len(data) > maxManifest {
		err = fmt.Errorf("it is larger than %d MiB", maxManifest>>20)
	}
	if err != nil {
		return []Result{unreadable(name, err)}
	}
	results := checkData(name, data, o)
	if len(data) == 0 && (name == stdinName || isPipe(r)) {
		results[0].Warnings = append(results[0].Warnings, config.Problem{
			File: name, Reason: "is empty, so these are the defaults", Remedy: "look for an error of the command before the pipe",
		})
	}
	return results
}

// isPipe reports whether r is a pipe with a name, such as <(command) in a shell.
func isPipe(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// unreadable returns the Result of a file that cannot be read.
func unreadable(name string, err error) Result {
	r := newResult(name)
	r.unread = true
	var invalid *config.InvalidError
	if errors.As(err, &invalid) {
		r.Problems = invalid.Problems
		return r
	}
	r.Problems = []config.Problem{{File: name, Reason: "cannot be read (" + err.Error() + ")", Remedy: "give a file that exists and can be read, or - for the standard input"}}
	return r
}

// checkData checks the content of a file. It returns one Result or, for a manifest,
// one for each configuration in it.
func checkData(name string, data []byte, o Options) []Result {
	found, isManifest := configurations(data)
	if !isManifest {
		if p := config.CheckSize(name, len(data)); p != nil {
			return []Result{invalid(name, *p)}
		}
		return []Result{checkFiles(name, config.Files{{Name: name, Data: data}}, o)}
	}
	if len(found) == 0 {
		return []Result{invalid(name, config.Problem{
			File:   name,
			Reason: `is a manifest without a ConfigMap of the agent, with the key "config" or "ip-masq-agent"`,
			Remedy: `put the configuration below data, as "config: |"`,
		})}
	}
	var out []Result
	for _, c := range found {
		out = append(out, c.check(name, o))
	}
	return out
}

// checkDirectory checks the files of a directory. It returns one Result for all of
// them, because the agent merges them. But if all files are manifests, and the
// directory is not a volume, it checks each file on its own.
func checkDirectory(name string, files config.Files, isVolume bool, o Options) []Result {
	merged := func() []Result { return []Result{checkFiles(name, files, o)} }
	if isVolume {
		return merged()
	}
	var results []Result
	for _, f := range files {
		if f.Skipped {
			continue
		}
		if _, isManifest := configurations(f.Data); !isManifest {
			return merged()
		}
		results = append(results, checkData(f.Name, f.Data, o)...)
	}
	if results == nil {
		return merged()
	}
	return results
}
