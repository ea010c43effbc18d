// Package rig runs a whole gateway for tests that break it: instruments of tests/sim,
// the agent, a link, mosquitto and the centre, as the programs that they are; and at the
// end holds every reading that an instrument gave against what the centre has.
//
// Everything is in one folder. Whatever it starts ends with the program that started
// it, also where that dies without a word.
package rig
