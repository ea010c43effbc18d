package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"envgate/drivers"
)

// Canonical is the site in force as JSON: every default filled in, the keys in
// the order of the documentation and each in a line of its own, no warnings, no
// secrets (their files' paths only). The same settings give the same bytes on
// every gateway; their SHA-256 is what blocks call cfg.
//
// JSON is YAML, so these bytes are a site file themselves: Parse makes the
// same Site of them.
func (s *Site) Canonical() []byte {
	return object{
		{"gateway", object{
			{"id", s.Gateway.ID},
			{"name", s.Gateway.Name},
			{"mn", s.Gateway.MN},
			{"position", canonicalPosition(s.Gateway.Position)},
		}},
		{"key", s.Key},
		{"sealing", object{{"interval", formatDuration(s.Sealing.Interval)}}},
		{"storage", object{
			{"path", s.Storage.Path},
			{"budget", formatSize(s.Storage.Budget)},
			{"endurance", formatSize(s.Storage.Endurance)},
			{"retention", object{
				{"live", formatDuration(s.Storage.Retention.Live)},
				{"stat", formatDuration(s.Storage.Retention.Stat)},
				{"event", formatDuration(s.Storage.Retention.Event)},
			}},
		}},
		{"rollup", canonicalRollup(s.Rollup)},
		{"lines", each(s.Lines, canonicalLine)},
		{"calculations", each(s.Calculations, canonicalCalculation)},
		{"checks", each(s.Checks, canonicalCheck)},
		{"maintenance", object{{"longest", formatDuration(s.Maintenance.Longest)}}},
		{"uplinks", each(s.Uplinks, canonicalUplink)},
		{"platforms", each(s.Platforms, canonicalPlatform)},
		{"share", canonicalShare(s.Share)},
		{"log", object{{"level", s.Log.Level}}},
	}.json(nil)
}

func canonicalPosition(p *Position) object {
	if p == nil {
		return nil
	}
	return object{{"latitude", p.Latitude}, {"longitude", p.Longitude}, {"altitude", p.Altitude}}
}

func canonicalSerial(s *Serial) object {
	if s == nil {
		return nil
	}
	return object{
		{"port", s.Port},
		{"baud", s.Baud},
		{"data_bits", s.DataBits},
		{"parity", s.Parity},
		{"stop_bits", s.StopBits},
		{"echo", s.Echo},
	}
}

func canonicalLine(l *Line) object {
	if l.Protocol == protocolHJ212 {
		return canonicalLogger(l)
	}
	return object{
		{"name", l.Name},
		{"serial", canonicalSerial(l.Serial)},
		{"url", l.URL},
		{"tls", canonicalTLS(l.TLS)},
		{"timeout", formatDuration(l.Timeout)},
		{"late_window", formatDuration(l.LateWindow)},
		{"pause", formatDuration(l.Pause)},
		{"devices", each(l.Devices, canonicalDevice)},
	}
}

func canonicalTLS(t *TLS) object {
	if t == nil {
		return nil
	}
	return object{{"ca", t.CA}, {"certificate", t.Certificate}, {"key", t.Key}}
}

func canonicalDevice(d *Device) object {
	evidence := d.Evidence
	if evidence == "" {
		evidence = "none"
	}
	priority := d.Priority
	if priority == "" {
		priority = "normal"
	}
	return object{
		{"name", d.Name},
		{"template", d.Template},
		{"template_file", d.TemplateFile},
		{"registers", each(d.Registers, func(p *drivers.PointSpec) object { return tagged(reflect.ValueOf(p).Elem()) })},
		{"unit", d.Unit},
		{"inputs", canonicalInputs(d.Inputs)},
		{"interval", formatDuration(d.Interval)},
		{"timeout", formatDuration(d.Timeout)},
		{"pause", formatDuration(d.Pause)},
		{"priority", priority},
		{"evidence", evidence},
	}
}

func canonicalUplink(u *Uplink) object {
	return object{
		{"name", u.Name},
		{"broker", u.Broker},
		{"tls", canonicalTLS(u.TLS)},
		{"username", u.Username},
		{"password_file", u.Password.Path()},
		{"client_id", u.ClientID},
		{"prefix", u.Prefix},
		{"ack", u.Ack},
		{"puback_unverified", u.PubackUnverified},
		{"centre_keys", texts(u.CentreKeys)},
		{"window", u.Window},
		{"backlog_share", formatPercent(u.BacklogShare)},
		{"reconnect_max", formatDuration(u.ReconnectMax)},
		{"receipt_timeout", formatDuration(u.ReceiptTimeout)},
		{"streams", texts(u.Streams)},
		{"metered", canonicalMetered(u.Metered)},
	}
}

func canonicalPlatform(p *Platform) object {
	return object{
		{"name", p.Name},
		{"address", p.Address},
		{"edition", p.Edition},
		{"st", p.ST},
		{"password_file", p.PW.Path()},
		{"mn", p.MN},
		{"send", texts(p.Send)},
		{"rtd_interval", formatDuration(p.RtdInterval)},
		{"ack", map[bool]string{true: "none", false: "each"}[p.NoAnswers]},
		{"timeout", formatDuration(p.Timeout)},
		{"retries", p.Retries},
		{"heartbeat", formatDuration(p.Heartbeat)},
		{"digits", p.Digits},
		{"mark_backfill", p.MarkBackfill},
		{"crc", p.CRC},
		{"key_file", p.Key.Path()},
		{"cipher", p.Cipher},
		{"private_network", p.PrivateNetwork},
		{"factors", each(p.Factors, func(f *FactorMap) object {
			o := object{
				{"device", f.Device},
				{"point", f.Point},
				{"code", f.Code},
				{"st", f.ST},
				{"times", f.Times},
				{"unit", f.Unit},
				{"figures", texts(f.Figures)},
			}
			if f.Decimals != nil {
				o = append(o, field{"decimals", *f.Decimals})
			}
			return o
		})},
		{"commands", canonicalCommands(&p.Commands)},
	}
}

// tagged makes an object of a struct by its yaml tags: see spec.
func tagged(v reflect.Value) object {
	var o object
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch f := v.Field(i); {
		case f.Kind() == reflect.String:
			o = append(o, field{key, f.String()})
		default:
			var items array
			for j := range f.Len() {
				if item := f.Index(j); item.Kind() == reflect.String {
					items = append(items, item.String())
				} else {
					items = append(items, tagged(item))
				}
			}
			o = append(o, field{key, items})
		}
	}
	return o
}

// An object is a JSON object that keeps its order. Fields that are empty texts,
// empty lists or nil objects are left out, as a site file leaves them out.
type object []field

type field struct {
	key   string
	value any // string, bool, int, float64, object, array
}

type array []any

func each[T any](list []T, f func(*T) object) array {
	out := make(array, len(list))
	for i := range list {
		out[i] = f(&list[i])
	}
	return out
}

func texts(list []string) array {
	out := make(array, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

func (o object) json(b []byte) []byte {
	b = append(b, '{')
	comma := false
	for _, f := range o {
		switch v := f.value.(type) {
		case string:
			if v == "" {
				continue
			}
		case object:
			if v == nil {
				continue
			}
		case array:
			if len(v) == 0 {
				continue
			}
		}
		if comma {
			b = append(b, ',', '\n')
		}
		comma = true
		b = appendJSON(b, f.key)
		b = append(b, ':')
		b = appendJSON(b, f.value)
	}
	return append(b, '}')
}

// appendJSON appends a value, without spaces: behind a quoted key YAML takes
// that too.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		return v.json(b)
	case array:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',', '\n')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("config: %T in a canonical form: %v", v, err)) // the caller is this file
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
