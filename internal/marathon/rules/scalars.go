package rules

func (c *checker) scalars() {}
