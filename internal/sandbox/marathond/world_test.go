package marathond

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a Marathon whose clock the test moves.
type world struct {
	*Server
	clock *ManualClock
}

func startTime() time.Time { return time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	clock := NewManualClock(startTime())
	o.Clock = clock
	s := New(o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{Server: s, clock: clock}
}

// simulatedAgents are those of the recordings.
func simulatedAgents() []string {
	return []string{"127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14"}
}

// allFeatures are the flags of the recordings.
func allFeatures() []string {
	return []string{"secrets", "vips", "task_killing", "external_volumes", "gpu_resources"}
}

// reply is what came back.
type reply struct {
	status int
	header map[string][]string
	raw    []byte
	body   any
}

func (r reply) object() object {
	o, _ := r.body.(object)
	return o
}

// call makes one request; body is a value or raw JSON.
func (w *world) call(t testing.TB, method, path string, body any, headers ...string) reply {
	t.Helper()
	var data []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		data = b
	case json.RawMessage:
		data = b
	default:
		var err error
		if data, err = json.Marshal(b); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(data))
	r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:40000"
	r.Header.Set("Accept", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	out := reply{status: rec.Code, header: rec.Header(), raw: rec.Body.Bytes()}
	out.body = decode(out.raw)
	return out
}

func decode(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if len(raw) == 0 {
		return nil
	}
	if err := d.Decode(&v); err != nil {
		return string(raw)
	}
	return v
}

// settle lets everything happen that will happen by itself within half a minute.
func (w *world) settle() {
	for end := w.clock.Now().Add(30 * time.Second); ; {
		if left := end.Sub(w.clock.Now()); left <= 0 || !w.clock.Next(left) {
			return
		}
	}
}

// load reads gzipped JSON of testdata.
func load(t *testing.T, name string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(loadText(t, name)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

// loadText reads a gzipped text of testdata.
func loadText(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
