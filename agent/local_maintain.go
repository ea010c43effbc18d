package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"envgate/hj212"
)

const (
	maintainWhy  = 200 // bytes
	maintainName = 32
)

// maintain sets a device to maintenance or calibration, ends that, or lists what is in
// force. Who did it is the user at the other end of the socket, by the kernel's word.
func (s *localServer) maintain(c net.Conn, q *request) *reply {
	if q.Do == "maintained" {
		return &reply{Modes: s.modes.status()}
	}
	who, err := caller(c, q.Sudo)
	if err == nil {
		err = s.setMode(q, who)
	}
	if err != nil {
		r := refusal(err)
		r.Hint = hintFor(err)
		return r
	}
	s.logger.Info("maintenance", "do", q.Do, "device", q.Device, "flag", q.Flag, "for", q.For, "who", who, "why", q.Why)
	return &reply{Modes: s.modes.status()}
}

func (s *localServer) setMode(q *request, who string) error {
	switch {
	case !slices.Contains(s.modes.devices, q.Device):
		return hinted{fmt.Errorf("%w: the running agent has no %q", errNoDevice, q.Device), "it has " + cutTo(strings.Join(s.modes.devices, ", "), mostText)}
	case q.Do == "maintain-end":
		return s.modes.end(q.Device, who)
	case q.Flag != hj212.FlagMaintenance && q.Flag != hj212.FlagCalibration:
		return errors.New("want flag M or C")
	case len(q.Why) > maintainWhy || !utf8.ValidString(q.Why):
		return errors.New("why is too long: 200 bytes in UTF-8 at most")
	}
	return s.modes.begin(q.Device, q.Flag, who, q.Why, q.For)
}

// caller is the user at the other end of a socket. Root alone is believed on whose behalf
// it asks.
func caller(c net.Conn, sudo string) (string, error) {
	var peer *unix.Ucred
	if u, ok := c.(*net.UnixConn); ok {
		if raw, err := u.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { peer, _ = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
		}
	}
	if peer == nil {
		return "", errors.New("the system does not say who asks")
	}
	name := userName(int(peer.Uid))
	if peer.Uid == 0 && sudo != "" && len(sudo) <= maintainName && utf8.ValidString(sudo) {
		name = sudo + " (as " + name + ")"
	}
	return name, nil
}

// userName is what the system calls a user, or its number.
func userName(uid int) string {
	id := strconv.Itoa(uid)
	b, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(line, ":"); len(f) > 2 && f[2] == id && f[0] != "" && len(f[0]) <= maintainName {
			return f[0]
		}
	}
	return "uid " + id
}
