package marathon

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// A trap is one habit of Marathon's that a client can fall over.
type trap struct {
	marathon string // what it does
	meshsync string // what becomes of that, or why it is never met
	// shown are the tests that show it, FOLDER.TestName below the root of the repository, with a
	// file of test data behind a space where the test has many. None: it is never met.
	shown []string
}

// traps are all of them; they are numbered from 1. docs/marathon.md has the table.
func traps() []trap {
	const (
		mar    = "internal/marathon."
		def    = "internal/marathon/definition."
		rules  = "internal/marathon/rules."
		single = mar + "TestNothingButSingleAppsIsWritten"
		sent   = mar + "TestBodiesAreWholeAndHaveNoVersion"
		bad    = "internal/config.TestBadRepositories internal/config/testdata/bad/"
		script = "cmd/meshsync.TestScripts cmd/meshsync/testdata/script/"
	)
	by := func(tests ...string) []string { return tests }
	return []trap{
		{"a PUT is a partial update, unless it says otherwise", "sends whole definitions with `partialUpdate=false`", by(single)},
		{"in a whole definition without `instances` these become 1", "shows the tasks that would stop; `owners` leaves them to somebody else", by(mar+"TestInstancesThatAreLeftOutAreToldBefore", script+"owners.txtar")},
		{"DELETE of an app forces, unless it says otherwise", "says `force=false`; nothing is ever forced", by(single, mar+"TestNothingIsForced")},
		{"a partial update unsets nothing, and null removes nothing", "what git no longer says is gone after the apply", by(mar + "TestWhatGitNoLongerSaysIsUnset")},
		{"`executorResources` lasts until the first update only", "sends it at creation and lists it as not compared", by(mar + "TestExecutorResourcesAreSentAtCreationAndNotCompared")},
		{"any partial update, of instances too, drops `resourceLimits` and restarts", "scaling keeps them, and scales", by(mar + "TestScalingKeepsResourceLimits")},
		{"`version` alone in a body rolls back", "never sends one", by(sent)},
		{"the id in a body is ignored, or decides, by endpoint", "the path and the body name the same", by(sent)},
		{"`portMappings` on the host's network vanish, and `portDefinitions` elsewhere", "`validate` warns", by(rules+"TestPorts", rules+"TestNetworks")},
		{"an app without ports gets one", "is no difference; `portDefinitions: []` is none", by(mar+"TestPortsThatMarathonChoosesAreNoDifference", def+"TestCanonicalFormOfWhatWasSentIsThatOfTheEcho")},
		{"a service port 0 is shown as the number that was chosen", "0 in git is whatever the app has", by(mar + "TestPortsThatMarathonChoosesAreNoDifference")},
		{"two apps may claim one service port", "`validate` refuses it", by(bad + "app_port_twice.txtar")},
		{"a check without `portIndex` gets one with the next write, and restarts; `tty: false` and `linuxInfo: {}` vanish with a leader", "writes the app as it is spelt there; where Marathon rewrites it, the plan says that it restarts", by(mar+"TestScalingRestartsJustWhereThePlanSaysSo", "cmd/meshsync.TestAnAppThatMarathonRewritesRestartsAndItIsSaidWhy")},
		{"`delaySeconds` and `ignoreHttp1xx` of some health checks are never shown again", "are no difference", by(mar + "TestWhatAHealthCheckDoesNotShowIsNoDifference")},
		{"half an `upgradeStrategy` is refused, and a single instance wants 0 and 0", "`validate` says so", by(bad+"app_half_strategy.txtar", rules+"TestSingleInstances")},
		{"an app with persistent volumes has other defaults, and much of it cannot change", "knows the ones; the plan refuses the others", by(def+"TestRefusedUpdatesAreToldFromForms", rules+"TestUpdatesOfResidentAppsAsRecorded", rules+"TestUpdatesOfResidentAppsAgreeWithTheSandbox", def+"TestCanonicalFormOfWhatWasSentIsThatOfTheEcho")},
		{"volumes gain members", "are no difference", by(def + "TestCanonicalFormOfWhatWasSentIsThatOfTheEcho")},
		{"a relative dependency means three things", "reads it as the release does, and sends it absolute", by("internal/mesh.TestDependency")},
		{"sets come back in some order", "their order is no difference", by(def+"TestTheOrderOfASetIsNoDifference", def+"TestEffectOfEveryRecordedEdit")},
		{"some refusals are 500, as failures are", "`validate` refuses these definitions; one that comes is not tried again", by(mar+"TestARefusalWith500IsNotTriedAgain", rules+"TestConstraints", rules+"TestRecordedRefusalsOfChecksAndVolumes")},
		{"a refusal's details are a text, a list or missing", "reads each", by(mar + "TestWhatMarathonSaysOfARefusalIsRead")},
		{"409 is a lock, or an app that exists", "waits for the first and names it; the second is a conflict", by(mar+"TestALockIsNamed", mar+"TestWhatTheHolderOfALockChangedIsNotOverwritten", mar+"TestACreateThatIsRefusedGivesNoRightToDelete")},
		{"403 may be the limit of 100 deployments, which stops every write", "begins no run at the limit, and amid one waits and says so", by(mar+"TestAtTheLimitOfDeploymentsNoRunBegins", mar+"TestTheLimitOfDeploymentsIsWaitedFor")},
		{"a wrong path is 500", "says that the URL may lack a prefix", by(mar + "TestAURLThatLacksItsPrefixIsTold")},
		{"the same definition again, while its deployment runs, does nothing", "follows the deployment to its end (`finish`), and restarts tasks that were left with an older definition", by(script+"unfinished.txtar", mar+"TestTasksOfAnOlderConfigurationAreRestartedOnce")},
		{"one broken app of a bulk PUT locks or refuses all", "writes one app at a time", by(single)},
		{"`acceptedResourceRoles` of another role are kept, replaced or refused, by release", "`validate` says which", by(rules+"TestAcceptedRoles", def+"TestFormsOfOlderReleases")},
		{"a secret in `env` wants its entry in `secrets`; values are never shown", "`validate` refuses one without", by(rules + "TestEnvAndSecrets")},
		{"a change of anything but `instances` restarts all tasks, of a label too", "the plan says how many, and for which field", by(def+"TestEffectOfEveryRecordedEdit", script+"apps.txtar")},
		{"1.4 shows old and new forms side by side", "reads them as one", by(def + "TestFormsOfOlderReleases")},
		{"an upgrade changes defaults, but not those of stored apps", "shows it once, with the restart", by(def + "TestAnUpgradeOfMarathonShowsInThePlanOnce")},
		{"a PUT of a group deletes what it does not list", "writes no group", by(single)},
		{"an empty group stays behind, and gives way to an app of its name", "leaves it; what holds something is told at plan", by(mar + "TestThePlanRefusesWhatMarathonRefusesForWhereAnAppLies")},
		{"a list without what the account may not see looks as if apps were gone", "with an account, asks for what the record has and the list has not; looks at an app before it writes, and creates only what is not there", by(mar+"TestAnAppThatTheAccountMayNotViewIsNotGone", mar+"TestAnAppThatAListLeavesOutIsNotWritten")},
		{"a standby loses a body without a length", "sends the length", by(mar+"TestAnAppIsWrittenByWayOfAStandby", mar+"TestNothingIsForced")},
		{"errors of a proxy are HTML or empty", "says what they may mean; nothing counts as absent", by(mar+"TestOutcomesOfObserving", script+"marathon_outcomes.txtar")},
		{"`label=k!=v` leaves out apps without the label", "asks for no labels", nil},
		{"`Location` is not where the app is", "builds its URLs itself", nil},
		{"a check with `exec.command.argv` breaks every list", "`validate` refuses it", by(rules + "TestRecordedExchangesOfChecks")},
		{"whole numbers have 32 bits", "`validate` refuses what Marathon cannot hold", by(rules + "TestNumbersThatMarathonCannotHold")},
		{"`taskStats` became `tasksStats`", "neither is a difference", by(mar + "TestStatisticsOfTasksAreNoDifference")},
		{"an app that is removed and made anew loses its ports to others", "changes it in place; one that gets another id (`moved`) is made before the old one goes", by(mar+"TestAnAppIsNeverRemovedToBeChanged", "internal/plan.TestAnAppThatMovesIsMadeBeforeTheOldOneGoes")},
		{"versions are listed in no order, and an older one may come back", "compares them for equality", by(mar + "TestAChangeThatWasOverwrittenIsTold")},
		{"after a change of leader no deployment is listed while they run", "looks at the app and its tasks too", by(mar + "TestAnEmptyListOfDeploymentsIsNoEnd")},
		{"a bulk PUT that creates an app may leave it without a port", "creates with POST", by(single)},
		{"`partialUpdate=1` is a whole definition, and `force=1` does not force", "writes the words out", by(single)},
		{"`1e400` stops all launching, and a body over 1 MiB ends the leader", "`validate` refuses both, and no such body is sent", by(rules+"TestNumbersThatMarathonCannotHold", rules+"TestADefinitionThatMarathonCannotStore", mar+"TestABodyThatIsTooLargeIsNotSent")},
		{"an array or a text as body is 200 and does nothing", "sends objects", by(sent)},
		{"an empty PUT of a group resets what it enforces", "writes no group", by(single)},
		{"a health check with `intervalSeconds: 0` busies the leader until it refuses writes", "`validate` refuses it", by(rules + "TestRecordedExchangesOfChecks")},
	}
}

const root = "../.."

// TestEachTrapHasATestThatExists: what a client can meet is shown, and what it never meets has its reason.
func TestEachTrapHasATestThatExists(t *testing.T) {
	t.Parallel()
	const known = 50
	if n := len(traps()); n != known {
		t.Fatalf("%d traps, want %d", n, known)
	}
	tests := map[string]map[string]bool{} // folder → names
	for i, trap := range traps() {
		for _, shown := range trap.shown {
			name, file, _ := strings.Cut(shown, " ")
			folder, test, ok := strings.Cut(name, ".")
			if ok && tests[folder] == nil {
				tests[folder] = testsIn(t, folder)
			}
			if !tests[folder][test] {
				t.Errorf("trap %d: %s has no %s", i+1, folder, test)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file))); err != nil {
				t.Errorf("trap %d: %v", i+1, err)
			}
		}
		if len(trap.shown) == 0 && !neverMet()[i+1] {
			t.Errorf("trap %d has no test", i+1)
		}
	}
}

// neverMet are traps of requests that meshsync does not make.
func neverMet() map[int]bool { return map[int]bool{37: true, 38: true} }

// testsIn lists the test functions of a folder.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				out[fn.Name.Name] = true
			}
		}
	}
	return out
}

// TestThePageOfTrapsIsTheTable holds docs/marathon.md to the table; UPDATE=1 rewrites it.
func TestThePageOfTrapsIsTheTable(t *testing.T) {
	t.Parallel()
	const head = "| | Marathon | meshsync | shown by |\n|---|---|---|---|\n"
	file := filepath.Join(root, "docs", "marathon.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(page), head)
	if !ok {
		t.Fatalf("%s has no table that begins %q", file, head)
	}
	var b strings.Builder
	b.WriteString(before + head)
	for i, trap := range traps() {
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", i+1, trap.marathon, trap.meshsync, shownBy(trap))
	}
	switch {
	case b.String() == string(page):
	case os.Getenv("UPDATE") == "1":
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the table says; UPDATE=1 go test ./internal/marathon rewrites it", file)
	}
}

func shownBy(of trap) string {
	var out []string
	for _, shown := range of.shown {
		name, file, _ := strings.Cut(shown, " ")
		_, test, _ := strings.Cut(name, ".")
		text := "`" + test + "`"
		if file != "" {
			text = "`" + path.Base(file) + "`"
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "no such request is made"
	}
	return strings.Join(out, ", ")
}
