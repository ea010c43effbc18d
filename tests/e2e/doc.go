// Package e2e tests the programs as they are shipped, against parts that nobody here
// wrote: mosquitto with TLS, client certificates and an access list; pymodbus and
// libmodbus as Modbus peers; openssl as verifier; qemu for other processors. Every
// reading is counted from the instrument's register to the centre's store.
package e2e
