package rules

import "testing"

func TestUnreachableStrategies(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"unreachableStrategy": "disabled"`, ""},
		{`"unreachableStrategy": {}`, ""},
		{`"unreachableStrategy": {"expungeAfterSeconds": 60}`, ""},
		{`"unreachableStrategy": {"inactiveAfterSeconds": 60, "expungeAfterSeconds": 60}`, ""},
		{`"unreachableStrategy": {"inactiveAfterSeconds": 0}`, ""},
		{`"unreachableStrategy": {"inactiveAfterSeconds": 60}`, "says nothing of expungeAfterSeconds"},
		{`"unreachableStrategy": {"inactiveAfterSeconds": 120, "expungeAfterSeconds": 60}`, "after 120 seconds and gives it up after 60"},
	})
}

func TestHalfUpgradeStrategies(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"upgradeStrategy": {"minimumHealthCapacity": 1}`, "upgradeStrategy: has an upgradeStrategy without maximumOverCapacity"},
		{`"upgradeStrategy": {}`, "upgradeStrategy: has an upgradeStrategy without minimumHealthCapacity"},
	})
	if got := verdict(t, "/x", `"upgradeStrategy": {"minimumHealthCapacity": 1}`, "1.4.8"); got != "" {
		t.Errorf("1.4 fills the other in: %q", got)
	}
}

func TestSingleInstances(t *testing.T) {
	t.Parallel()
	const label, zero = `"labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"}`, `"upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 0.0}`
	checkCases(t, []ruleCase{
		{label + "," + zero, ""},
		{label + "," + zero + `, "instances": 0`, ""},
		{`"labels": {"MARATHON_SINGLE_INSTANCE_APP": "false"}, "instances": 3`, ""},
		{label, "labels.MARATHON_SINGLE_INSTANCE_APP: has the label"},
		{label + `, "upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 1}`, "upgradeStrategy: has the label"},
		{label + `, "upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0}`, "upgradeStrategy: has the label"},
		{label + "," + zero + `, "instances": 2`, "instances: has 2 instances"},
	})
}
