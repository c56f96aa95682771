package rules

func (c *checker) healthChecks() {}
