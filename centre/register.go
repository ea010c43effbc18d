package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"envgate/envelope"
)

// A register says which gateways there are and which keys speak for each. Keys
// that were replaced stay in it: old blocks are verified with them for ever.
type register struct {
	names map[string]string // by gateway id
	keys  envelope.KeySet
}

func (r *register) has(gateway string) bool { _, ok := r.names[gateway]; return ok }

// The register as it stands in a file. See centre.example.yaml.
type gatewayEntry struct {
	ID   string     `yaml:"id"`
	Name string     `yaml:"name"`
	Keys []keyEntry `yaml:"keys"`
}

type keyEntry struct {
	KeyID string `yaml:"kid"`
	File  string `yaml:"file"`
	PEM   string `yaml:"pem"`
}

// registerFile is a file that holds nothing but a register.
type registerFile struct {
	Gateways []gatewayEntry `yaml:"gateways"`
}

// loadRegister reads a register file.
func loadRegister(path string) (*register, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	var f registerFile
	d := parseDocument(path, b, &f)
	r := newRegister(d, f.Gateways)
	return r, d.err()
}

// newRegister makes a register of its entries, with the key files that they
// name. Problems are noted in d.
func newRegister(d *document, entries []gatewayEntry) *register {
	r := &register{names: make(map[string]string), keys: make(envelope.KeySet)}
	for i, e := range entries {
		at := fmt.Sprintf("$.gateways[%d]", i)
		if !isName(e.ID) {
			d.add(at+".id", "", "gateways[%d].id is %q: 1 to 32 letters, digits, - and _", i, e.ID)
			continue
		}
		if r.has(e.ID) {
			d.add(at+".id", "a second key of one gateway goes under its keys", "gateways[%d].id is %q: it stands further up already", i, e.ID)
			continue
		}
		r.names[e.ID] = e.Name
		if len(e.Keys) == 0 {
			d.add(at, "`envgate key show` on the gateway prints it", "gateways[%d].keys is empty: at least one public key", i)
		}
		for j, k := range e.Keys {
			r.addKey(d, e.ID, k, fmt.Sprintf("gateways[%d].keys[%d]", i, j))
		}
	}
	return r
}

func (r *register) addKey(d *document, gateway string, e keyEntry, where string) {
	at := "$." + where
	pem := []byte(e.PEM)
	switch {
	case (e.File == "") == (e.PEM == ""):
		d.add(at, "", "%s: either file or pem, and one of them", where)
		return
	case e.File != "":
		var err error
		path := beside(d.file, e.File)
		if pem, err = os.ReadFile(path); err != nil {
			d.add(at+".file", "", "%s.file: %v", where, withoutOp(err, path))
			return
		}
	}
	key, err := envelope.ParsePublicKey(pem)
	if err != nil {
		hint := ""
		if strings.Contains(string(pem), "PRIVATE KEY") {
			hint = "a private key belongs on its gateway alone; here goes what `envgate key show` prints"
		}
		d.add(at, hint, "%s: %s", where, strings.TrimPrefix(err.Error(), "envelope: "))
		return
	}
	if e.KeyID != "" && key.KeyID != "" && e.KeyID != key.KeyID {
		d.add(at+".kid", "", "%s.kid is %q: the key says %q of itself", where, e.KeyID, key.KeyID)
		return
	}
	if e.KeyID != "" {
		key.KeyID = e.KeyID
	}
	owner, rest, _ := strings.Cut(key.KeyID, "/")
	alg, generation, _ := strings.Cut(rest, "/")
	switch {
	case key.KeyID == "":
		d.add(at, "add kid: "+gateway+"/EdDSA/1", "%s has no kid: the key does not say its own", where)
	case owner != gateway || alg != key.Algorithm || generation == "":
		d.add(at+".kid", "", "%s.kid is %q: %s/%s/NUMBER", where, key.KeyID, gateway, key.Algorithm)
	default:
		if _, ok := r.keys.Lookup(key.KeyID); ok {
			d.add(at, "", "%s.kid is %q: it stands further up already", where, key.KeyID)
			return
		}
		r.keys[key.KeyID] = key
	}
}

// beside makes a path relative to the file that names it.
func beside(file, path string) string {
	if filepath.IsAbs(path) || path == "" {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// withoutOp shortens an error of the file system to path and reason.
func withoutOp(err error, path string) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", path, p.Err)
	}
	return err
}
