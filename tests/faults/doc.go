// Package faults breaks what the log and the uplink stand on, and counts what is lost.
//
// A victim seals signed blocks into a log as the agent does, and says what it has only
// after the log took it (Work). Whoever runs it keeps that outside of the disk that is
// broken, breaks something, and lets the oracle (Check) look: the log opens, all that was
// acknowledged is there with the same content, every block is verified anew by its
// signature and its place in the chain, no identity has two blocks, and at most one batch
// is there that was not acknowledged.
//
// Each fault has a control that must fail: a victim that leaves out the syncs, or that
// says what it has before the log took it. Where the control loses nothing, the test
// proves nothing, and says so.
//
// The same is done to the whole agent, with instruments, a broker and a centre around it:
// there each reading is counted, and what may be missing is what was read in the sealing
// interval before a kill.
//
// The quick tier is part of go test. The long tier is the same tests with more rounds,
// and those that need a virtual machine: make powercut, make kills, make faults. Its
// figures go to out/faults. Variables set the rounds: FAULTS_CUTS, FAULTS_AGENT_CUTS,
// FAULTS_KILLS, FAULTS_AGENT_KILLS, FAULTS_POINTS (system calls to be killed at),
// FAULTS_FLIPS (bits), FAULTS_LAZY (cuts with LazyFS).
package faults
