package render

import (
	"io"

	"meshsync.dev/meshsync/internal/doctor"
)

// DoctorDocument is the JSON of meshsync doctor.
type DoctorDocument struct {
	Schema  string             `json:"schema"`
	Version string             `json:"meshsync"`
	Mesh    string             `json:"mesh"`
	Sandbox bool               `json:"sandbox"`
	Targets []doctor.Diagnosis `json:"targets"` // sorted
}

// DoctorJSON writes findings for machines.
func DoctorJSON(w io.Writer, d DoctorDocument) error {
	d.Schema = DoctorSchema
	d.Targets = orEmpty(d.Targets)
	return encode(w, d)
}

// Doctor writes findings for people. Where all is well, there is one line for a target
// unless everything is asked for.
func Doctor(w io.Writer, d DoctorDocument, o Options) error {
	t := &printer{w: w, o: o}
	if d.Sandbox {
		t.line("%s", t.paint(bold, "SANDBOX: no real cluster is involved"))
	}
	t.line("%s", t.paint(bold, "doctor of "+safe(d.Mesh)))
	problems, warnings := 0, 0
	for _, x := range d.Targets {
		t.line("%s", t.paint(bold, x.Target.String()))
		for _, f := range x.Findings {
			color := green
			switch f.Level {
			case doctor.Problem:
				color = red
				problems++
			case doctor.Warning:
				color = yellow
				warnings++
			case doctor.OK:
			}
			t.line("  %s %s: %s", t.paint(color, padded(string(f.Level))), f.Topic, safe(f.Message))
			if f.Do != "" {
				t.line("          to do: %s", safe(f.Do))
			}
		}
	}
	t.line("%s, %s.", count(problems, "problem"), count(warnings, "warning"))
	return t.err
}

func padded(level string) string {
	for len(level) < len(doctor.Problem) {
		level += " "
	}
	return level
}
