package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestAnAppOfTheSeedEraIsReadAndAnswered: Marathon 0.6 with Deimos wrote numbers in quotes and the container
// as {image, options}.
func TestAnAppOfTheSeedEraIsReadAndAnswered(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{"prod/apps/seed/a.cue": `package seed

apps: "/seed/a": {
	id: "seed/a", cmd: "sleep 9", instances: "2", cpus: "0.5"
	container: {image: "docker:///libmesos/ubuntu", options: ["-p", "8080:80"]}
}
`})
	for _, a := range m.Apps {
		if a.ID != "/seed/a" {
			continue
		}
		b, err := json.Marshal(a.Definition["container"])
		if want := `{"docker":{"image":"libmesos/ubuntu","parameters":[{"key":"publish","value":"8080:80"}]},"type":"DOCKER"}`; err != nil || string(b) != want {
			t.Errorf("%s %v", b, err)
		}
		if a.Definition["instances"] != json.Number("2") || a.Definition["cpus"] != json.Number("0.5") {
			t.Errorf("%v", a.Definition)
		}
	}
	var texts []string
	for _, w := range m.Warnings {
		texts = append(texts, w.String())
	}
	text := strings.Join(texts, "\n")
	if !strings.HasPrefix(text, "prod/apps/seed/a.cue:3:7: app /seed/a is written for Marathon 0.6 with Deimos") || !strings.Contains(text, `"image": "libmesos/ubuntu"`) || len(texts) != 1 {
		t.Errorf("%s", text)
	}
}

// TestWhatIsWrongInAnAppOfTheSeedEraIsTold: it is read as what it is only when all of it can be.
func TestWhatIsWrongInAnAppOfTheSeedEraIsTold(t *testing.T) {
	t.Parallel()
	files := example(t)
	files["prod/apps/seed/a.cue"] = []byte("package seed\n\napps: \"/seed/a\": {cmd: \"sleep 9\", colour: \"red\", container: {image: \"x\"}}\n")
	if _, err := Load(files, "prod"); err == nil || !strings.Contains(err.Error(), `"colour" is no field of an app`) {
		t.Errorf("%v", err)
	}
}
