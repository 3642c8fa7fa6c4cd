package journal

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// secrets are made when the first line needs them: most processes, and most lines, never do.
var secrets = sync.OnceValues(func() (value, url *regexp.Regexp) {
	name := `[a-z0-9_.-]*(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?)`
	value = regexp.MustCompile(`(?i)(` + name + `["']?\s*[=:]\s*|--?` + name + `\s+|\b(?:basic|bearer)\s+)("[^"]*"|'[^']*'|[^\s,;&]+)`)
	return value, regexp.MustCompile(`(://[^/\s:@]*:)[^@/\s]+@`)
})

// telling are the words without one of which the first expression cannot match.
var telling = []string{"pass", "secret", "token", "key", "credential", "basic", "bearer"}

// mask hides the values of what is named like a secret.
func mask(s string) string {
	lower := strings.ToLower(s)
	if slices.ContainsFunc(telling, func(word string) bool { return strings.Contains(lower, word) }) {
		value, _ := secrets()
		s = value.ReplaceAllString(s, "${1}***")
	}
	if strings.Contains(s, "://") {
		_, url := secrets()
		s = url.ReplaceAllString(s, "${1}***@")
	}
	return s
}
