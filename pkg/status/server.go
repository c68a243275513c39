// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"context"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"strings"
	"time"

	"k8s.io/klog/v2"
)

// listenRetry is the pause before the next attempt to listen on a used port.
const listenRetry = time.Second

// Serve serves at address until ctx is done. If the port is in use, it logs that
// once and retries until the port is free.
func (s *Status) Serve(ctx context.Context, address string) {
	log := klog.FromContext(ctx)
	logged := ""
	for ctx.Err() == nil {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err == nil {
			log.Info("Serving /healthz, /readyz and /metrics", "address", listener.Addr())
			logged = ""
			err = serve(ctx, newServer(s.Handler()), listener)
		}
		if err != nil && ctx.Err() == nil && err.Error() != logged {
			log.Error(err, "Cannot serve health and metrics, will retry; if another program has the address, choose another with --http-bind-address and in the probes; the rules are synced all the same", "address", address)
			logged = err.Error()
		}
		select {
		case <-ctx.Done():
		case <-time.After(listenRetry):
		}
	}
}

// serve serves at listener until ctx is done or an error occurs. It closes listener.
func serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	server.ErrorLog = stdlog.New(errorLog{klog.FromContext(ctx)}, "", 0)
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(&limitListener{Listener: listener, max: maxConnections}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// errorLog logs the errors of net/http, such as a failed accept.
type errorLog struct{ log klog.Logger }

func (l errorLog) Write(line []byte) (int, error) {
	l.log.Info("HTTP server error", "err", strings.TrimSpace(string(line)))
	return len(line), nil
}

// newServer returns a server with time limits for every connection.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		// Otherwise "OPTIONS *" would not reach the handler.
		DisableGeneralOptionsHandler: true,
	}
}

// Handler serves GET and HEAD of the three paths, and nothing else.
func (s *Status) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", answer(s.Healthy))
	mux.HandleFunc("GET /readyz", answer(s.Ready))
	mux.HandleFunc("GET /metrics", s.metrics.expose)
	return mux
}

// answer responds 200 and "ok", or 503 and the reason.
func answer(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		text := "ok"
		if err := check(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			text = err.Error()
		}
		// An error means that the client is gone.
		_, _ = w.Write([]byte(text + "\n"))
	}
}
