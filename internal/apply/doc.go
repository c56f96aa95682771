// Package apply carries out a plan: stage by stage, batch by batch, each behind its
// gates, and says what happened as events. Order, limits and the meaning of a gate
// are the plan's; apply only asks the live cluster and stops when something is not
// as planned. It knows neither SSH nor Marathon's API: targets and probers are given.
package apply
