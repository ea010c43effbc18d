package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a child that ends with the test, at the latest.
type process struct {
	t    *testing.T
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

func start(t *testing.T, log, program string, args ...string) *process {
	t.Helper()
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := &process{t: t, name: filepath.Base(program), log: log, cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.kill() })
	return p
}

func (p *process) signal(s os.Signal) { p.cmd.Process.Signal(s) }

func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// stop asks it to end and returns how long that took.
func (p *process) stop(within time.Duration) time.Duration {
	p.t.Helper()
	began := time.Now()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(within):
		p.t.Errorf("%s did not stop within %s; its log ends:\n%s", p.name, within, p.tail())
		p.kill()
	}
	return time.Since(began)
}

func (p *process) tail() string { return tailOf(p.log, 15) }

func tailOf(path string, n int) string {
	b, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (p *process) logged() string {
	b, _ := os.ReadFile(p.log)
	return string(b)
}

// mosquitto is a broker with TLS, client certificates and an access list.
type mosquitto struct {
	*process
	t    *testing.T
	dir  string
	port int
	acl  string
}

// everything is the access list of the documents: gateways by their certificates'
// names, and the centre.
const everything = `user centre
topic readwrite envgate/#
user watcher
topic read envgate/#
pattern write envgate/%u/b/#
pattern write envgate/%u/birth
pattern write envgate/%u/state
pattern read envgate/%u/receipt/#
pattern read envgate/%u/b/#
`

func newMosquitto(t *testing.T, dir string, ca *authority, acl string) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t, dir: dir, port: freePort(t), acl: acl}
	ca.issue("broker", "127.0.0.1")
	conf := fmt.Sprintf(`per_listener_settings false
listener %d 127.0.0.1
cafile %[2]s/ca.pem
certfile %[2]s/broker.pem
keyfile %[2]s/broker.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file %[2]s/acl
persistence false
user root
`, m.port, dir)
	write(t, filepath.Join(dir, "mosquitto.conf"), conf)
	m.allow(acl)
	m.start()
	return m
}

// allow sets the access list, at once where the broker runs.
func (m *mosquitto) allow(acl string) {
	write(m.t, filepath.Join(m.dir, "acl"), acl)
	if m.process != nil {
		m.signal(syscall.SIGHUP)
	}
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.process = start(m.t, filepath.Join(m.dir, "mosquitto.log"), need(m.t, "mosquitto", "mosquitto"), "-c", filepath.Join(m.dir, "mosquitto.conf"))
	await(m.t, 10*time.Second, "mosquitto listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", m.port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// await waits for a state that is sure to come; it says how long it waited in vain.
func await(t *testing.T, most time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(most); ; time.Sleep(50 * time.Millisecond) {
		if is() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s", most, what)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// authority issues certificates into its folder: NAME.pem and NAME.key.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir}
	a.cert, a.key = a.make("ca", &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
	})
	return a
}

// issue makes a certificate that is good for a day, for a name and addresses.
func (a *authority) issue(name string, addresses ...string) {
	a.issueFor(name, name, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour), addresses...)
}

func (a *authority) issueFor(file, name string, from, to time.Time, addresses ...string) {
	a.t.Helper()
	c := &x509.Certificate{
		NotBefore: from, NotAfter: to, Subject: pkix.Name{CommonName: name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, ip := range addresses {
		c.IPAddresses = append(c.IPAddresses, net.ParseIP(ip))
	}
	a.make(file, c)
}

func (a *authority) make(file string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	fail := func(err error) {
		if err != nil {
			a.t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	fail(err)
	if c.Subject.CommonName == "" {
		c.Subject.CommonName = file
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	fail(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	fail(err)
	write(a.t, filepath.Join(a.dir, file+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(a.t, filepath.Join(a.dir, file+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	cert, err := x509.ParseCertificate(der)
	fail(err)
	return cert, key
}
