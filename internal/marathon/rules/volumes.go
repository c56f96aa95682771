package rules

func (c *checker) volumes() {}
