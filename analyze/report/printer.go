package report

import (
	"github.com/zbundle/zbundle/analyze/result"

	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// labelWidth is the column at which text starts.
const labelWidth = 12

// printer writes lines, of which the first error stops all that follow.
type printer struct {
	w    io.Writer
	opts Options
	err  error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// labelled prints text beside a label, broken at the width.
func (p *printer) labelled(label, text string) {
	p.wrap(fmt.Sprintf("  %-*s", labelWidth-2, label), labelWidth, text)
}

// wrap prints text after a head, its further lines indented.
func (p *printer) wrap(head string, indent int, text string) {
	line, empty := head, true
	for _, word := range strings.Fields(printable(text)) {
		if !empty && width(line)+1+width(word) > p.opts.Width {
			p.line("%s", line)
			line, empty = strings.Repeat(" ", indent), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	p.line("%s", strings.TrimRight(line, " "))
}

// cut shortens text to the room that is left after an indent.
func (p *printer) cut(indent int, text string) string {
	room := max(p.opts.Width-indent, 20)
	if width(text) <= room {
		return text
	}
	return string([]rune(text)[:room-3]) + "..."
}

func width(s string) int { return utf8.RuneCountInString(s) }

func (p *printer) color(code, text string) string {
	if !p.opts.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *printer) severity(s result.Severity, text string) string {
	code := map[result.Severity]string{result.Critical: "1;31", result.Error: "31", result.Warning: "33", result.Notice: "36", result.Hint: "2"}[s]
	return p.color(code, text)
}

// printable keeps a bundle's text from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
