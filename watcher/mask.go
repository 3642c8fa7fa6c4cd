package watcher

import (
	"path"
	"strings"
)

const masked = "***"

// mask hides what looks like a secret in a command line: the value of an option or
// assignment with a telling name (--password=x, --token x, DB_SECRET=x), the word after a
// telling word, the password in a URL or in curl's -u user:password, and what
// mysql's and sshpass' -p says. It gives a copy.
func mask(args []string) []string {
	out := make([]string, len(args))
	var m masker
	for i, a := range args {
		out[i] = m.next(a)
	}
	return out
}

// A masker remembers what the words so far say about the next.
type masker struct {
	secret bool // the next word is a secret
	login  bool // the next word may be user:password
	short  bool // -p is a password
}

func (m *masker) next(a string) string {
	words := strings.FieldsFunc(a, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
	if len(words) > 1 && !m.secret { // a command line itself, as of sh -c
		return strings.Join(mask(words), " ")
	}
	secret, login := m.secret && !strings.HasPrefix(a, "-"), m.login
	m.secret, m.login = false, a == "-u" || a == "--user" || a == "--proxy-user"
	switch base := path.Base(a); {
	case secret:
		m.secret = scheme(a)
		return masked
	case login && strings.Contains(a, ":"):
		return a[:strings.IndexByte(a, ':')+1] + masked
	case m.short && a == "-p":
		m.secret = true
		return a
	case m.short && strings.HasPrefix(a, "-p"):
		return "-p" + masked
	case base == "sshpass", strings.HasPrefix(base, "mysql"), strings.HasPrefix(base, "mariadb"):
		m.short = true
	}
	return m.assignment(a)
}

// scheme says whether a word only names the kind of secret that follows, as in
// "Authorization: Bearer x".
func scheme(a string) bool {
	switch strings.ToLower(a) {
	case "bearer", "basic", "digest", "token", "negotiate":
		return true
	}
	return false
}

// assignment masks a word that is an assignment, maybe one within another.
func (m *masker) assignment(a string) string {
	name, value, assigned := cutAssign(a)
	switch {
	case assigned && telling(name) && value == "":
		m.secret = true
		return a
	case assigned && telling(name):
		return a[:len(name)+1] + masked
	case assigned:
		return a[:len(name)+1] + m.assignment(value)
	case telling(a) && !strings.ContainsAny(a, "./@"):
		m.secret = true
		return a
	}
	return maskURL(a)
}

// cutAssign cuts at the first "=" or ":" where a name comes before it.
func cutAssign(a string) (name, value string, ok bool) {
	i := strings.IndexAny(a, "=:")
	if i <= 0 || strings.HasPrefix(a[i:], "://") {
		return a, "", false
	}
	return a[:i], a[i+1:], true
}

// telling says whether a name is that of a secret.
func telling(name string) bool {
	name = strings.ToLower(name)
	for _, w := range [...]string{"password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "api-key", "api_key", "private-key", "private_key", "auth"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	switch strings.TrimLeft(name, "-") {
	case "pass", "pw", "pwd", "key":
		return true
	}
	return strings.HasSuffix(name, "_key") || strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "_pass") || strings.HasSuffix(name, "-pass")
}

// maskURL hides the password of user:password@host in a URL.
func maskURL(a string) string {
	start := strings.Index(a, "://")
	if start < 0 {
		return a
	}
	start += len("://")
	host := a[start:]
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	at := strings.LastIndexByte(host, '@')
	colon := strings.IndexByte(host, ':')
	if at < 0 || colon < 0 || colon > at {
		return a
	}
	return a[:start+colon+1] + masked + a[start+at:]
}
