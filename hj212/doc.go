// Package hj212 reads and writes the data transmission protocol of the Chinese
// environmental monitoring standards: HJ/T 212-2005, HJ 212-2017 and HJ
// 212-2025.
//
// So far it has what the three editions share: the frame ([Cut], [AppendFrame],
// [Reader]), the data flags, and the names of the factors ([LookupFactor]). It
// opens nothing and keeps no time.
package hj212
