package watcher

// variant reads a variant of one of the types that wanted properties have (see value);
// any other is skipped, and not wanted.
func (r *wire) variant() (v value, wanted bool) {
	sig := r.signature()
	if v.sig = shared(sig); v.sig == "" {
		if rest := r.skip(sig, 0); len(rest) > 0 {
			r.bad = true
		}
		return v, false
	}
	switch v.sig {
	case "s", "o":
		v.raw = r.str()
	case "t", "x":
		v.num = r.u64()
	case "b", "u":
		v.num = uint64(r.u32())
	case "i":
		v.num = uint64(int64(int32(r.u32())))
	case "ay":
		end := r.array(1)
		v.raw = r.take(end - r.at)
	case "(uo)":
		r.align(8)
		v.num = uint64(r.u32())
		r.str()
	}
	if v.sig == "b" && v.num > 1 {
		r.bad = true
	}
	return v, true
}

// shared gives a signature that variant reads without making a string of it; "" for others.
func shared(sig []byte) string {
	switch string(sig) {
	case "s":
		return "s"
	case "o":
		return "o"
	case "t":
		return "t"
	case "x":
		return "x"
	case "b":
		return "b"
	case "u":
		return "u"
	case "i":
		return "i"
	case "ay":
		return "ay"
	case "(uo)":
		return "(uo)"
	}
	return ""
}

// maxDepth is how deep D-Bus lets containers be nested.
const maxDepth = 64

// skip passes over one value of the first type in sig and gives the rest of sig.
func (r *wire) skip(sig []byte, depth int) []byte {
	if len(sig) == 0 || depth > maxDepth || r.bad {
		r.bad = true
		return nil
	}
	switch c := sig[0]; c {
	case 'y':
		r.take(1)
	case 'n', 'q':
		r.align(2)
		r.take(2)
	case 'b', 'i', 'u', 'h':
		r.u32()
	case 'x', 't', 'd':
		r.u64()
	case 's', 'o':
		r.str()
	case 'g':
		r.signature()
	case 'v':
		if rest := r.skip(r.signature(), depth+1); len(rest) > 0 {
			r.bad = true
		}
	case 'a':
		return r.skipArray(sig[1:], depth)
	case '(', '{':
		return r.skipStruct(sig, depth)
	default:
		r.bad = true
	}
	return sig[1:]
}

// skipArray passes over an array at once; sig is its element's type and what follows.
func (r *wire) skipArray(sig []byte, depth int) []byte {
	rest := afterType(sig, depth)
	if rest == nil {
		r.bad = true
		return nil
	}
	end := r.array(alignOf(sig[0]))
	r.take(end - r.at)
	return rest
}

// skipStruct passes over a struct or a dict entry, member by member.
func (r *wire) skipStruct(sig []byte, depth int) []byte {
	r.align(8)
	closing := closingOf(sig[0])
	sig = sig[1:]
	for len(sig) > 0 && sig[0] != closing && !r.bad {
		sig = r.skip(sig, depth+1)
	}
	if len(sig) == 0 {
		r.bad = true
		return nil
	}
	return sig[1:]
}

// afterType gives what follows the first type in a signature; nil if there is none.
func afterType(sig []byte, depth int) []byte {
	if len(sig) == 0 || depth > maxDepth {
		return nil
	}
	switch sig[0] {
	case 'a':
		return afterType(sig[1:], depth+1)
	case '(', '{':
		closing := closingOf(sig[0])
		sig = sig[1:]
		for len(sig) > 0 && sig[0] != closing {
			sig = afterType(sig, depth+1)
		}
		if len(sig) == 0 {
			return nil
		}
	}
	return sig[1:]
}

func closingOf(c byte) byte {
	if c == '(' {
		return ')'
	}
	return '}'
}

func alignOf(c byte) int {
	switch c {
	case 'y', 'g', 'v':
		return 1
	case 'n', 'q':
		return 2
	case 'x', 't', 'd', '(', '{':
		return 8
	}
	return 4
}
