package marathon

// outdated counts the tasks of an app, as GET shows it, that run with an older configuration
// than the app has: the version of a task is older than the last change that restarts. The number
// of tasks does not tell of them: a deployment that was lost leaves as many as there were. A
// Marathon before 0.9, which has no versionInfo, has none.
func outdated(echo map[string]any) int {
	info, _ := echo["versionInfo"].(map[string]any)
	changed, _ := info["lastConfigChangeAt"].(string)
	tasks, _ := echo["tasks"].([]any)
	n := 0
	for _, x := range tasks {
		task, _ := x.(map[string]any)
		version, _ := task["version"].(string)
		state, said := task["state"].(string)
		if said && state != "TASK_RUNNING" { // one that is lost may be listed long after its deployment
			continue
		}
		if version != "" && version < changed { // both are stamps of one form
			n++
		}
	}
	return n
}
