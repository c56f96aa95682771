package config

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue/cuecontext"
)

func TestAPackageChoosesTheMarathonOfItsApps(t *testing.T) {
	t.Parallel()
	const (
		another = "package prod\nmarathons: batch: urls: [\"http://batch.example.com:8080\"]\n"
		jobs    = "package jobs\napps: \"/job\": cmd: \"sleep 1\"\n"
		here    = "package prod\napps: \"/here\": cmd: \"sleep 1\"\n"
	)
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // sorted, without the example's /www, which is main's
	}{
		{"one Marathon, nothing chosen", map[string]string{"prod/apps/jobs/j.cue": jobs}, "main/job"},
		{"one Marathon, chosen", map[string]string{"prod/apps/jobs/j.cue": jobs + "marathon: \"main\"\n"}, "main/job"},
		{"two, nothing chosen", map[string]string{"prod/x.cue": another, "prod/apps/jobs/j.cue": jobs}, "main/job"},
		{"two, chosen", map[string]string{"prod/x.cue": another, "prod/apps/jobs/j.cue": jobs + "marathon: \"batch\"\n"}, "batch/job"},
		{"chosen in another file of the package", map[string]string{
			"prod/x.cue": another, "prod/apps/jobs/j.cue": jobs, "prod/apps/jobs/k.cue": "package jobs\nmarathon: \"batch\"\n",
		}, "batch/job"},
		{"the mesh's own package chooses for its own apps alone", map[string]string{
			"prod/x.cue": another, "prod/here.cue": here + "marathon: \"batch\"\n", "prod/apps/jobs/j.cue": jobs,
		}, "batch/here main/job"},
		{"a default of a shared package", map[string]string{
			"prod/x.cue": another, "templates/jobs.cue": "package templates\n#Jobs: {marathon: *\"batch\" | string, apps: {...}}\n",
			"prod/apps/jobs/j.cue": "package jobs\nimport \"example.com/infra/templates\"\ntemplates.#Jobs\napps: \"/job\": cmd: \"sleep 1\"\n",
		}, "batch/job"},
		{"the same id on both", map[string]string{
			"prod/x.cue": another, "prod/apps/jobs/j.cue": jobs + "marathon: \"batch\"\n",
			"prod/apps/jobz/j.cue": strings.Replace(jobs, "package jobs", "package jobz", 1),
		}, "batch/job main/job"},
		{"on one, apps above those of another", map[string]string{
			"prod/x.cue": another, "prod/apps/jobs/j.cue": jobs + "marathon: \"batch\"\n",
			"prod/apps/below/b.cue": "package below\napps: \"/job/below\": cmd: \"sleep 1\"\n",
		}, "batch/job main/job/below"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, a := range loaded(t, "prod", tt.files).Apps {
				if a.ID != "/www" {
					got = append(got, a.Marathon+a.ID)
				}
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("%s, want %s", text, tt.want)
			}
		})
	}
}

// Where an app runs is part of what git says.
func TestTheDigestOfAMeshTellsItsMarathonsApart(t *testing.T) {
	t.Parallel()
	with := func(chosen string) string {
		return loaded(t, "prod", map[string]string{
			"prod/x.cue":           "package prod\nmarathons: {a: urls: [\"http://a:8080\"], b: urls: [\"http://b:8080\"]}\n",
			"prod/apps/jobs/j.cue": "package jobs\nmarathon: \"" + chosen + "\"\napps: \"/job\": cmd: \"sleep 1\"\n",
		}).Digest
	}
	if with("a") == with("b") {
		t.Error("an app of another Marathon, and the same digest")
	}
}

func TestAKitThatIsOlderThanTheChoiceIsTold(t *testing.T) {
	t.Parallel()
	files := maps.Clone(example(t))
	const kit = "cue.mod/pkg/meshsync.dev/kit/kit.cue"
	lines := slices.DeleteFunc(strings.Split(string(files[kit]), "\n"), func(s string) bool { return strings.HasPrefix(s, "\tmarathon?:") })
	files[kit] = []byte(strings.Join(lines, "\n"))
	files["prod/here.cue"] = []byte("package prod\nmarathon: \"main\"\napps: \"/here\": cmd: \"sleep 1\"\n")
	_, err := Load(files, "prod")
	if err == nil || !strings.Contains(err.Error(), "meshsync init --update renews them") {
		t.Error(err)
	}
}

// A field that the packages in the repository do not know and this program does is no misspelling.
func TestAContractThatIsOlderThanAFieldIsTold(t *testing.T) {
	t.Parallel()
	const contract = "cue.mod/pkg/meshsync.dev/mesh/resources.cue"
	for name, c := range map[string]struct{ line, use string }{
		"auth":        {"\tauth?: #MarathonAuth", `marathons: main: auth: token: env: "T"`},
		"proxy":       {"\tproxy?: ", `marathons: main: proxy: "http://proxy:3128"`},
		"a token":     {"\ttoken?: ", `marathons: main: auth: token: env: "T"`},
		"on deadline": {"onDeadline?: ", `policy: apps: onDeadline: "rollback"`},
	} {
		files := maps.Clone(example(t))
		all := strings.Split(string(files[contract]), "\n")
		lines := slices.DeleteFunc(slices.Clone(all), func(s string) bool {
			return strings.HasPrefix(s, c.line) || strings.HasPrefix(strings.TrimSpace(s), c.line)
		})
		if len(lines) == len(all) {
			t.Errorf("%s: nothing was taken out", name)
		}
		files[contract] = []byte(strings.Join(lines, "\n"))
		files["prod/newer.cue"] = []byte("package prod\n" + c.use + "\n")
		_, err := Load(files, "prod")
		if err == nil || !strings.Contains(err.Error(), "meshsync init --update renews them") || strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The names that are read without the contract are those that it takes.
func TestTheFormOfANameIsTheContracts(t *testing.T) {
	t.Parallel()
	ctx := cuecontext.New()
	name := newContract(ctx).def("#Name")
	for _, s := range []string{"", "a", "main", "a-b", "-a", "a-", "A", "a_b", "a.b", "1", "a b", "ä", "a\n"} {
		if got, want := nameForm.matches(s), name.Unify(ctx.Encode(s)).Validate() == nil; got != want {
			t.Errorf("%q: %v, and the contract says %v", s, got, want)
		}
	}
}
