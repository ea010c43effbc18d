// Package gov is a government platform for tests: the platform's side of HJ/T 212-2005,
// HJ 212-2017 and HJ 212-2025 over TCP, written from the standard's text alone.
//
// It shares no code with package hj212, so that one mistake cannot cancel another: frames,
// check sums, encryption and exchanges are written anew here, as simply as a test may
// have them. What the field machine sends is held against the standard and kept in
// memory, with how often each record came; what is wrong is kept too, in words
// ([Platform.Wrong]). Every command of the standard can be sent ([Platform.Ask], [Commands]).
//
// A Platform can be strict or have the habits of those in the field ([Habits]), and a [Link]
// in front of it is a bad line: it cuts, doubles, delays and loses.
//
// Editions differ in small things. What of 2025 is second hand or a guess is named where
// it stands.
package gov
