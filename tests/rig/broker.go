package rig

import (
	"fmt"
	"net"
	"os"
	"os/exec"
)

// password is that of all users.
const password = "rig-password"

// StartBroker starts mosquitto, and waits until it listens.
func (r *Rig) StartBroker() error { return r.startBroker(password) }

// StartStrangeBroker starts a mosquitto to which the agent's password is wrong.
func (r *Rig) StartStrangeBroker() error { return r.startBroker("another") }

func (r *Rig) startBroker(secret string) error {
	conf := fmt.Sprintf("listener %d 127.0.0.1\nmax_queued_messages 100000\n", r.port)
	if os.Getuid() == 0 {
		conf += "user root\n"
	}
	if r.User == "" {
		conf += "allow_anonymous true\n"
	} else {
		if err := r.passwords(secret); err != nil {
			return err
		}
		conf += fmt.Sprintf("allow_anonymous false\npassword_file %s\n", r.Path("passwords"))
	}
	if r.ACL != "" {
		if err := os.WriteFile(r.Path("acl"), []byte(r.ACL), 0o600); err != nil {
			return err
		}
		conf += fmt.Sprintf("acl_file %s\n", r.Path("acl"))
	}
	if err := os.WriteFile(r.Path("mosquitto.conf"), []byte(conf), 0o600); err != nil {
		return err
	}
	program, err := Look("mosquitto", "mosquitto")
	if err != nil {
		return err
	}
	if r.Broker, err = r.start("mosquitto.log", nil, nil, program, "-c", r.Path("mosquitto.conf")); err != nil {
		return err
	}
	return Await(listens, "mosquitto listens", r.listens)
}

// listens says whether the broker takes connections.
func (r *Rig) listens() bool {
	address := fmt.Sprintf("127.0.0.1:%d", r.port)
	if r.Enter != nil {
		args := append(r.Enter[1:len(r.Enter):len(r.Enter)], "bash", "-c", fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d", r.port))
		return exec.Command(r.Enter[0], args...).Run() == nil
	}
	c, err := net.Dial("tcp", address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// passwords writes the broker's file of users.
func (r *Rig) passwords(secret string) error {
	program, err := Look("mosquitto_passwd", "mosquitto")
	if err != nil {
		return err
	}
	path := r.Path("passwords")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	for user, secret := range map[string]string{r.User: secret, "centre": password} {
		if _, err := output(program, "-b", path, user, secret); err != nil {
			return err
		}
	}
	return nil
}
