package render

import "unicode/utf8"

// Lines and values longer than this, in characters, are cut unless everything is asked for.
const (
	maxLine  = 400
	maxValue = 200
)

// beside is how much of what is the same is shown on each side of a difference.
const beside = 60

// cutAround shortens two texts that differ to where they do. What is left out is counted in
// its place. A text that fits, and one beside which there is no other, is cut at its end only.
func cutAround(a, b string, limit int) (string, string) {
	if fits(a, limit) && fits(b, limit) {
		return a, b
	}
	ra, rb := []rune(a), []rune(b)
	same, end := 0, 0
	for same < min(len(ra), len(rb)) && ra[same] == rb[same] {
		same++
	}
	for end < min(len(ra), len(rb))-same && ra[len(ra)-1-end] == rb[len(rb)-1-end] {
		end++
	}
	if a == b {
		same, end = 0, 0
	}
	from := max(0, same-beside)
	return cutText(ra, from, len(ra)-max(0, end-beside), limit), cutText(rb, from, len(rb)-max(0, end-beside), limit)
}

// fits is len([]rune(s)) <= limit, without the slice.
func fits(s string, limit int) bool { return len(s) <= limit || utf8.RuneCountInString(s) <= limit }

// cutText shows r[from:to], of which the end of its beginning is left out when it is longer
// than the limit.
func cutText(r []rune, from, to, limit int) string {
	if len(r) <= limit {
		return string(r)
	}
	body := r[from:to]
	if len(body) <= limit {
		return gap(from) + string(body) + gap(len(r)-to)
	}
	head, tail := limit*3/4, limit/4
	return gap(from) + string(body[:head]) + gap(len(body)-head-tail) + string(body[len(body)-tail:]) + gap(len(r)-to)
}

func gap(n int) string {
	if n == 0 {
		return ""
	}
	return "…(" + count(n, "character") + ")…"
}
