package rules

func (c *checker) networks() {}
