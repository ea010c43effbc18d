package main

import (
	"errors"
	"io/fs"
	"syscall"

	"envgate/agent/uplink"
	"envgate/buffer"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

// hinted is an error that brings its own hint.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// hintFor is the next thing to do about an error, for a person on a roof. It is
// empty where the error says it all.
func hintFor(err error) string {
	var h hinted
	if errors.As(err, &h) {
		return h.hint
	}
	for _, known := range hints {
		if errors.Is(err, known.err) {
			return known.hint
		}
	}
	return ""
}

var hints = []struct {
	err  error
	hint string
}{
	{modbus.ErrPortMissing, "is the adapter plugged in? ls -l /dev/serial/by-id shows what is there"},
	{modbus.ErrPortTaken, "another program, or another line of the site file, has the port; fuser -v PORT names it"},
	{modbus.ErrPortStuck, "the adapter's driver hangs: unplug the adapter and plug it in again"},
	{modbus.ErrNoAnswer, "check unit id, baud rate, parity, and whether A and B are swapped"},
	{modbus.ErrCRC, "answers arrive damaged: check parity and baud rate, termination, and that no other master is on the bus"},
	{buffer.ErrLocked, "another envgate has the log open: stop it first"},
	{buffer.ErrNoFolder, "make the folder, owned by the user that runs envgate"},
	{buffer.ErrPermission, "chown the log and its folder to the user that runs envgate"},
	{buffer.ErrBudget, "storage.budget: 8MB and more; at most 256MB on systems of 32 bits"},
	{buffer.ErrFull, "make room on the disk or give the log a larger budget; what was read waits in memory"},
	{envelope.ErrKeyMode, "chmod 600 the key; a key that others may have read should be replaced"},
	{envelope.ErrKeyOwner, "chown the key to the user that runs envgate"},
	{uplink.ErrCertificateForm, "the file must hold a certificate in PEM: -----BEGIN CERTIFICATE-----"},
	{uplink.ErrCertificatePair, "certificate and key must be made together: was one renewed and not the other?"},
	{uplink.ErrCertificateName, "each gateway has a certificate of its own, with its id as common name: openssl x509 -noout -subject -in FILE"},
	{uplink.ErrCertificateEnded, "ask the data centre for a new one; until then readings are kept in the log"},
	{uplink.ErrCertificateEarly, "is this gateway's clock right? date shows it"},
	{modbus.ErrUnreachable, "is the address right, and does the instrument listen? Many allow one or two connections only"},
	{errForeignLog, "if this card was moved here on purpose: envgate run --adopt; it begins a new epoch that names the old one"},
	{errHangs, "dmesg shows what the system says of the disk: a failing card often ends this way"},
	{syscall.ENOSPC, "make room on the disk"},
	{syscall.EROFS, "the disk is mounted read-only: a failing card often ends this way"},
	{fs.ErrPermission, "run as the user that owns it, or add the user to the group (dialout for serial ports)"},
}
