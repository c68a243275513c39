// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// WaitOK waits until a server responds to GET with status 200. Each connection
// ends with its response, so that none is left when the server is measured.
func WaitOK(t testing.TB, url string) {
	t.Helper()
	client := http.Client{Timeout: Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	Eventually(t, func() string {
		answer, err := client.Get(url)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return ""
		}
		body, err := io.ReadAll(answer.Body)
		return fmt.Sprintf("%s: %s: %s (%v)", url, answer.Status, body, err)
	})
}
