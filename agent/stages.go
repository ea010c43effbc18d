package main

import "envgate/envelope"

// A stage is what samples pass between the inbox and the seal: it marks readings, or adds
// samples of its own. It runs on the writer's goroutine alone, so it needs no lock and
// must not wait. The stages of a site and their order are [agent.stages].
type stage interface {
	// pass takes the samples of one sealing in the order in which they came, and
	// returns those that go on, and what happened, each At in UTC milliseconds. The
	// readings are the stage's to change; the times are right by the site's clock.
	pass(samples []polled) ([]polled, []envelope.Event)
}

// pass sends samples through all stages.
func (f *flow) pass(samples []polled) (out []polled, said []envelope.Event) {
	for _, s := range f.stages {
		var more []envelope.Event
		samples, more = s.pass(samples)
		said = append(said, more...)
	}
	return samples, said
}
