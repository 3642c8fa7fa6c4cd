package watcher

import "strings"

const masked = "***"

// mask hides what looks like a secret in a command line: the value of an option or
// assignment with a telling name (--password=x, --token x, DB_SECRET=x), the word after a telling word,
// and the password in a URL. It gives a copy.
func mask(args []string) []string {
	out := make([]string, len(args))
	next := false
	for i, a := range args {
		if next && !strings.HasPrefix(a, "-") {
			out[i], next = masked, false
			continue
		}
		out[i], next = maskOne(a)
	}
	return out
}

// maskOne masks one argument and says whether the next is a secret.
func maskOne(a string) (string, bool) {
	words := strings.FieldsFunc(a, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
	if len(words) > 1 { // an argument that is a command line itself, as of sh -c
		return strings.Join(mask(words), " "), false
	}
	name, _, assigned := cutAssign(a)
	switch {
	case assigned && telling(name):
		return a[:len(name)+1] + masked, false
	case !assigned && telling(a) && !strings.ContainsAny(a, "./@"):
		return a, true
	}
	return maskURL(a), false
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
