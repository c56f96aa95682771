package rules

import (
	"strings"
	"testing"
)

func TestEnvAndSecrets(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"env": {"A": "", "a b": "1", "B=": "2"}`, ""},
		{`"env": {"P": {"secret": "k"}}, "secrets": {"k": {"source": "a/b"}, "unused": {"source": "c"}}`, ""},
		{`"env": {"P": {"secret": "k"}}`, `env.P.secret: takes env "P" from the secret "k", which its secrets do not name`},
		{`"env": {"P": {"secret": "k"}}, "secrets": {"l": {"source": "a/b"}}`, "env.P.secret: "},
		{`"env": {"": "x"}`, "env.: has a variable without a name"},
		{`"secrets": {"": {"source": "x"}}`, "secrets.: has a secret without a name"},
	})
}

func TestLabelsThatMarathonReads(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"labels": {"": "x", "a b": "", "DCOS_MIGRATION_API_PATH": "/x"}`, ""},
		{`"labels": {"DCOS_MIGRATION_API_VERSION": ""}`, ""},
		{`"labels": {"DCOS_MIGRATION_API_VERSION": "v1", "DCOS_MIGRATION_API_PATH": "/x", "DCOS_PACKAGE_FRAMEWORK_NAME": "f"}`, ""},
		{`"labels": {"DCOS_MIGRATION_API_VERSION": "v1", "DCOS_MIGRATION_API_PATH": "/x"}`, "and not DCOS_PACKAGE_FRAMEWORK_NAME"},
		{`"labels": {"DCOS_MIGRATION_API_VERSION": "v1", "DCOS_PACKAGE_FRAMEWORK_NAME": "f"}`, "and not DCOS_MIGRATION_API_PATH"},
		{`"labels": {"DCOS_MIGRATION_API_VERSION": "v2", "DCOS_MIGRATION_API_PATH": "/x", "DCOS_PACKAGE_FRAMEWORK_NAME": "f"}`, "there is only v1"},
	})
}

func TestAcceptedRoles(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ version, fields, want string }{
		{"", `"acceptedResourceRoles": ["*"]`, ""},
		{"", `"acceptedResourceRoles": ["*", "*"]`, ""},
		{"", `"acceptedResourceRoles": ["*", "shop"], "role": "shop"`, ""},
		{"", `"acceptedResourceRoles": null`, ""},
		{"", `"acceptedResourceRoles": []`, "acceptedResourceRoles: accepts resources of no role"},
		{"1.5", `"acceptedResourceRoles": []`, "acceptedResourceRoles: accepts resources of no role"},
		{"", `"acceptedResourceRoles": ["db"], "role": "shop"`, `acceptedResourceRoles.0: accepts resources of the role "db", and its own role is "shop"`},
		{"", `"acceptedResourceRoles": ["db"]`, `warning: acceptedResourceRoles.0: accepts resources of the role "db" and names no role`},
		{"", `"acceptedResourceRoles": ["db", "db"]`, "warning: "},
		{"", `"acceptedResourceRoles": ["db", "ops"]`, "\nacceptedResourceRoles.1: accepts resources of the roles \"db\" and \"ops\""},
		{"1.10.3", `"acceptedResourceRoles": ["db"], "role": "shop"`, "acceptedResourceRoles.0: "},
		{"1.9", `"acceptedResourceRoles": ["db"]`, "warning: acceptedResourceRoles.0: accepts resources of the role \"db\", which Marathon replaces by *"},
		{"1.8.244", `"acceptedResourceRoles": ["db"]`, ""},
	} {
		got := "\n" + verdict(t, "/x", x.fields, x.version)
		if x.want == "" && got != "\n" || !strings.Contains(got, x.want) {
			t.Errorf("%s %s: %q, want %q", x.version, x.fields, got, x.want)
		}
	}
}
