package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// maxTable bounds the work of comparing two lines word by word.
const maxTable = 1 << 16

// wordMarks says where two lines differ, word by word: nil when too little is the same for
// marks to help, or the lines are too long.
func wordMarks(a, b string) (inA, inB []span) {
	wa, wb := words(a), words(b)
	if a == b || len(wa)*len(wb) > maxTable {
		return nil, nil
	}
	keepA, keepB := commonWords(wa, wb)
	inA, sameA := marked(wa, keepA)
	inB, _ = marked(wb, keepB)
	blank := func(s string) int { return len(s) - len(strings.ReplaceAll(s, " ", "")) }
	if 2*sameA*5 < 2*(len(a)-blank(a)+len(b)-blank(b)) { // below two fifths
		return nil, nil
	}
	return inA, inB
}

// words cuts a line into runs of letters and digits, and single other characters.
func words(s string) []string {
	var out []string
	for len(s) > 0 {
		n := 0
		for n < len(s) {
			r, size := utf8.DecodeRuneInString(s[n:])
			if !isWordRune(r) {
				break
			}
			n += size
		}
		if n == 0 {
			_, n = utf8.DecodeRuneInString(s)
		}
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}

// commonWords says of each word whether it belongs to a longest common subsequence.
func commonWords(a, b []string) (inA, inB []bool) {
	length := make([][]int, len(a)+1) // of the longest one of a[i:] and b[j:]
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	inA, inB = make([]bool, len(a)), make([]bool, len(b))
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			inA[i], inB[j] = true, true
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return inA, inB
}

// marked are the ranges of the words that are not kept, and the bytes of those that are,
// blanks left out.
func marked(words []string, keep []bool) (out []span, same int) {
	at := 0
	for i, w := range words {
		switch {
		case keep[i] && w != " ":
			same += len(w)
		case keep[i]:
		case len(out) > 0 && out[len(out)-1].to == at:
			out[len(out)-1].to += len(w)
		default:
			out = append(out, span{at, at + len(w)})
		}
		at += len(w)
	}
	return out, same
}
