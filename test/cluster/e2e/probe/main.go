// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command probe is both ends of a connection whose source address a test
// checks, and the pause program of the pods.
//
//	probe serve ADDR     sends each client the address that it comes from
//	probe dial ADDR...   calls each server and prints a line with its response or the error
//	probe pause          waits
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// patience is the time limit of a call. If the response has no route back, the
// caller gets no error.
const patience = 10 * time.Second

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	if !errors.Is(err, errCall) {
		fmt.Fprintln(os.Stderr, "probe:", err)
	}
	os.Exit(1)
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(args[1])
	case len(args) > 1 && args[0] == "dial":
		return dialEach(args[1:])
	case len(args) == 1 && args[0] == "pause":
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
		<-stop
		return nil
	default:
		return errors.New("usage: probe serve ADDR | dial ADDR... | pause")
	}
}

func serve(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	for {
		caller, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer caller.Close()
			_ = caller.SetDeadline(time.Now().Add(patience))
			host, _, _ := net.SplitHostPort(caller.RemoteAddr().String())
			fmt.Fprintln(caller, host)
		}()
	}
}

// errCall is the error after a failed call, which the output describes.
var errCall = errors.New("a call failed")

func dialEach(addrs []string) (failed error) {
	for _, addr := range addrs {
		answer, err := dial(addr)
		if err != nil {
			answer, failed = err.Error(), errCall
		}
		fmt.Println(answer)
	}
	return failed
}

func dial(addr string) (string, error) {
	server, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return "", err
	}
	defer server.Close()
	if err := server.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(server)
	return strings.TrimSpace(string(answer)), err
}
