package main

import (
	"slices"
	"testing"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url     string
		servers []string
		path    string
	}{
		{"zk://a:2181,b:2181/mesos", []string{"a:2181", "b:2181"}, "/mesos"},
		{"zk://user:p@ss@a:2181/x/y", []string{"a:2181"}, "/x/y"},
		{"zk://a:2181", []string{"a:2181"}, "/"},
		{"http://a:2181/mesos", nil, ""},
		{"zk:///mesos", nil, ""},
	}
	for _, tt := range tests {
		servers, path, err := parseURL(tt.url)
		if !slices.Equal(servers, tt.servers) || path != tt.path || (err != nil) != (tt.servers == nil) {
			t.Errorf("%s: %q, %q, %v", tt.url, servers, path, err)
		}
	}
}

func TestMessageReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	var m message
	m.number(-7)
	m.long(1 << 40)
	m.number(2)
	m.text("a")
	m.text("")
	n, err1 := m.readNumber()
	l, err2 := m.readLong()
	texts, err3 := m.readTexts()
	if n != -7 || l != 1<<40 || !slices.Equal(texts, []string{"a", ""}) || err1 != nil || err2 != nil || err3 != nil || len(m) != 0 {
		t.Errorf("read %d, %d, %q, %v, %v, %v, and %d bytes are left", n, l, texts, err1, err2, err3, len(m))
	}
}

// FuzzMessage reads what a ZooKeeper could send: lengths that lie end the reading.
func FuzzMessage(f *testing.F) {
	var m message
	m.number(2)
	m.text("json.info_0000000001")
	m.text("json.info_0000000002")
	f.Add([]byte(m))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		answer := message(data)
		texts, err := answer.readTexts()
		total := 4
		for _, s := range texts {
			total += 4 + len(s)
		}
		if err == nil && total+len(answer) != len(data) {
			t.Errorf("of %d bytes %d were read and %d are left", len(data), total, len(answer))
		}
	})
}
