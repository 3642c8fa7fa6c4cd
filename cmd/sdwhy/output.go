package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"sdwhy/enrich"
)

// Ways to print events.
const (
	outputText = "text"
	outputJSON = "json"
	outputNone = "none"
)

func outputs() []string { return []string{outputText, outputJSON, outputNone} }

// A printer writes events as lines. It is buffered: Flush when nothing more is at hand.
type printer struct {
	w      *bufio.Writer
	render func(enrich.Event) ([]byte, error)
}

// newPrinter makes the printer for one of outputs.
func newPrinter(output string, w io.Writer, style *textStyle) (*printer, error) {
	p := &printer{w: bufio.NewWriterSize(w, 64<<10)}
	switch output {
	case outputText:
		p.render = func(e enrich.Event) ([]byte, error) { return []byte(style.line(e)), nil }
	case outputJSON:
		p.render = jsonLine
	case outputNone:
		p.render = func(enrich.Event) ([]byte, error) { return nil, nil }
	default:
		return nil, usagef(didYouMean(output, outputs()), "unknown output %q in --output", output)
	}
	return p, nil
}

// Write prints one event; it reaches the reader by Flush at the latest.
func (p *printer) Write(e enrich.Event) error {
	line, err := p.render(e)
	if err != nil {
		return fmt.Errorf("render event %s: %w", e.ID, err)
	}
	_, err = p.w.Write(line)
	return err
}

// Flush hands on what is buffered.
func (p *printer) Flush() error { return p.w.Flush() }

// jsonLine is the event as one line of JSON, safe for a terminal too: what is not
// printable is escaped, which changes no value.
func jsonLine(e enrich.Event) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	return escapeJSON(b.Bytes()), nil
}

// escapeJSON escapes the unprintable characters that encoding/json leaves as they
// are. They occur in strings only; the line's own newline stays.
func escapeJSON(line []byte) []byte {
	risky := func(r rune) bool { return r != '\n' && unprintable(r) }
	if !slices.ContainsFunc(line, func(c byte) bool { return c >= 0x7f }) || bytes.IndexFunc(line, risky) < 0 {
		return line
	}
	out := make([]byte, 0, len(line)+16)
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		switch {
		case !risky(r):
			out = append(out, line[:size]...)
		case r > 0xffff:
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		line = line[size:]
	}
	return out
}
