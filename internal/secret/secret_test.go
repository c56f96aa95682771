package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/secret"
)

type holder struct {
	Open   secret.Value
	hidden secret.Value
}

func TestNoRoutePrintsASecret(t *testing.T) {
	t.Parallel()
	v := secret.New("hunter2")
	h := holder{v, v}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T"} {
		for _, x := range []any{v, &v, h, &h, []secret.Value{v}, map[string]secret.Value{"a": v}, map[string]any{"a": v}, []any{v}} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
	}
	fmt.Fprintln(&out, v, h.hidden)
	for _, x := range []any{v, &v, h, []secret.Value{v}, map[string]any{"a": v}} {
		b, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	var log bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		l.Info("x", "v", v, "h", h, "p", &v)
	}
	out.Write(log.Bytes())
	text := out.String()
	for _, form := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117 110"} {
		if strings.Contains(text, form) {
			t.Errorf("%s is in the output", form)
		}
	}
	if v.Reveal() != "hunter2" || (secret.Value{}).Reveal() != "" || !v.Equal(secret.New("hunter2")) || v.Equal(secret.New("x")) {
		t.Error("a secret is not what it was made of")
	}
}
