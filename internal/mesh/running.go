package mesh

// RunningApp is an app with its tasks as a Marathon tells of them: what is needed to lead requests to it. All of
// it was written by whoever may write apps, so none of it is to be trusted.
type RunningApp struct {
	Marathon  string
	ID        string
	Labels    map[string]string
	Instances int       // that it is to have
	Ports     []AppPort // in the order of their index
	Checked   bool      // it has health checks
	Tasks     []Task
}

// AppPort is one of the ports of an app.
type AppPort struct {
	Protocol string // tcp, udp or udp,tcp
	// Container is the port at the task's own address; 0 when the task has none, and is asked at its agent.
	Container int
	// Host is the index of the agent's port in Task.Ports; -1 when there is none.
	Host int
}

// Task is one task of an app.
type Task struct {
	ID        string
	Running   bool // and not being killed
	Host      string
	Ports     []int    // of the agent
	Addresses []string // of its own
	Health    []bool   // what the checks found that have looked
}
