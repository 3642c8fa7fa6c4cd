package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exit statuses.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

// A usageError is a mistake in what was asked for: flags, configuration,
// addresses. It ends sdwhy with status 2.
type usageError struct {
	what string // what is wrong, one line
	hint string // how to mend it, one line
}

func (e *usageError) Error() string { return e.what }

// usagef is a usage error with a hint.
func usagef(hint, format string, args ...any) error {
	return &usageError{what: fmt.Sprintf(format, args...), hint: hint}
}

// A hintError is a failure, status 1, that comes with a hint.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// report prints err the way every message of sdwhy looks, a line that says what
// is wrong and, where known, one that says how to mend it, and gives the exit status.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitFine
	}
	status := exitFailed
	var usage *usageError
	if errors.As(err, &usage) {
		status = exitUsage
	}
	fmt.Fprintf(w, "sdwhy: %s\n", sanitize(oneLine(err.Error())))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", sanitize(oneLine(hint)))
	}
	return status
}

// oneLine joins the lines of a message.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\n", " ")), " ")
}

// closest is the known word that bad was most likely meant to be, or "".
func closest(bad string, known []string) string {
	best, bestDistance := "", 3
	if len(bad) < 5 {
		bestDistance = 2
	}
	for _, k := range known {
		if d := distance(bad, k); d < bestDistance || d == bestDistance && best == "" {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words, with a swap of neighbours as one step.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// didYouMean is a hint that names the closest known word, or else all of them.
func didYouMean(bad string, known []string) string {
	if c := closest(bad, known); c != "" {
		return fmt.Sprintf("did you mean %q?", c)
	}
	return "known are " + strings.Join(known, ", ")
}

// hintOf is the hint that comes with err, or "".
func hintOf(err error) string {
	var usage *usageError
	var hinted *hintError
	switch {
	case errors.As(err, &usage):
		return usage.hint
	case errors.As(err, &hinted):
		return hinted.hint
	}
	return ""
}
