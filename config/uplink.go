package config

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// streams are all there are, in the order in which they go by default.
var streams = []string{"live", "stat", "event"}

// uplinks reads the brokers. s is what was read before them.
func (r *reader) uplinks(places []*place, s *Site) []Uplink {
	taken, clients := names{}, names{}
	list := make([]Uplink, len(places))
	for i, p := range places {
		r.uplink(p, &list[i], s.Gateway.ID, taken, clients)
	}
	return list
}

func (r *reader) uplink(p *place, to *Uplink, gateway string, taken, clients names) {
	g, ok := r.group(p, "uplinks[]", "name and broker at least")
	if !ok {
		return
	}
	*to = Uplink{
		Prefix: "envgate", Ack: "receipt", Window: 256, BacklogShare: 0.5,
		ReconnectMax: 30 * time.Second, ReceiptTimeout: time.Minute, Streams: slices.Clone(streams),
	}
	g.name(&to.Name, taken)
	r.broker(g, to)
	g.word("username", &to.Username, "want 1 to 128 characters", func(s string) bool { return s != "" && len(s) <= 128 })
	password := ""
	g.file("password_file", &password, "want the path of a file with the password")
	to.Password = SecretFile(password)
	if g.has("password_file") && !g.has("username") && !g.holes {
		r.say(g.at("password_file"), "stands without username: MQTT takes a password only with a name", "") // [MQTT-3.1.2-22]
	}

	to.ClientID = gateway + "-" + to.Name
	g.word("client_id", &to.ClientID, "want 1 to 64 letters, digits, _ or -", func(s string) bool { return isWord(s, 64, "_-") })
	if first, ok := clients[to.Broker+" "+to.ClientID]; ok && to.Broker != "" {
		r.say(g.at("client_id"), fmt.Sprintf("is %s: %s has the same at this broker (line %d)", quote(to.ClientID, false), first.path, first.line),
			"a broker closes the first connection when a second one has its client id")
	} else {
		clients[to.Broker+" "+to.ClientID] = g.place
	}

	g.word("prefix", &to.Prefix, "want the first levels of the topics, such as envgate or city/dust, without + # and without / at the ends", isPrefix)
	g.choice("ack", &to.Ack, []string{"receipt", "puback"})
	g.yes("puback_unverified", &to.PubackUnverified)
	switch {
	case to.PubackUnverified && to.Ack != "puback":
		r.say(g.at("puback_unverified"), "is true: it says something only with ack: puback", "")
	case to.PubackUnverified:
		r.warn(g.at("puback_unverified"), "is true: what the broker throws away counts as delivered", "let the gateway subscribe to its own topics if the broker can be changed")
	}
	r.centreKeys(g, to)

	g.number("window", &to.Window, 1, 1000, "a window is 1 to 1000 publishes")
	r.share(g, to)
	g.duration("reconnect_max", &to.ReconnectMax, time.Second, 10*time.Minute, "the longest wait before a new connection")
	g.duration("receipt_timeout", &to.ReceiptTimeout, time.Second, time.Hour, "the wait for a receipt")
	r.streams(g, to)
	r.metered(g, to)
}

// broker reads the address, and whether TLS goes with it.
func (r *reader) broker(g *group, to *Uplink) {
	const want = "want mqtts:// or mqtt:// with host and port, such as mqtts://mqtt.example.org:8883"
	if !g.need("broker", want) {
		return
	}
	p := g.at("broker")
	secure := false
	switch u, hint := splitURL(p.text, "8883, without TLS 1883", "mqtts", "mqtt", "ssl", "tls", "tcp"); {
	case p.kind != scalar:
		r.bad(p, want, "")
	case u == nil:
		r.bad(p, want, hint)
	default:
		to.Broker = u.Scheme + "://" + u.Host
		secure = u.Scheme != "mqtt" && u.Scheme != "tcp"
		if !secure && g.has("tls") {
			r.say(g.at("tls"), "stands beside "+u.Scheme+"://, which has no TLS", "write the broker as mqtts://"+u.Host)
		} else if ip := net.ParseIP(u.Hostname()); !secure && u.Hostname() != "localhost" && !(ip != nil && ip.IsLoopback()) {
			text := "is " + quote(to.Broker, false) + ", without TLS: readings can be read on the way, though not changed unseen"
			if g.has("password_file") {
				text = "is " + quote(to.Broker, false) + ", without TLS: readings and password can be read on the way"
			}
			r.warn(p, text, "use mqtts:// and a tls section")
		}
	}
	if g.has("tls") {
		to.TLS = &TLS{}
		r.tls(g.at("tls"), "uplinks[].tls", to.TLS)
	}
}

// tls reads the files of a connection. A broker may do without a certificate of
// ours, a bus may not.
func (r *reader) tls(p *place, section string, to *TLS) {
	g, ok := r.group(p, section, "ca, certificate and key")
	if !ok {
		return
	}
	g.file("ca", &to.CA, "want the path of the authorities' certificates (PEM)")
	g.file("certificate", &to.Certificate, "want the path of the gateway's certificate (PEM)")
	g.file("key", &to.Key, "want the path of the certificate's key (PEM)")
	bus := section == "lines[].tls"
	if bus {
		g.need("ca", "tcp+tls needs the authorities that judge the other end")
	}
	if bus || g.has("certificate") {
		g.need("key", "a certificate needs its key")
	}
	if bus || g.has("key") {
		g.need("certificate", "a key needs its certificate")
	}
}

// isPrefix says whether s can begin a topic: no wildcards, no empty levels,
// not the broker's own $ topics.
func isPrefix(s string) bool {
	return s != "" && len(s) <= 128 && utf8.ValidString(s) && strangeLetter(s) < 0 && s[0] != '$' &&
		!strings.ContainsAny(s, "+#\t ") && !slices.Contains(strings.Split(s, "/"), "")
}

func (r *reader) centreKeys(g *group, to *Uplink) {
	const want = "want a list of the files with the centre's public keys, which sign receipts"
	for _, p := range g.list("centre_keys", want, 16) {
		if p.kind != scalar || !fileName(p.text) {
			r.bad(p, "want the path of a public key (PEM)", "")
			continue
		}
		to.CentreKeys = append(to.CentreKeys, r.resolve(p.text))
	}
	if to.Ack == "receipt" {
		g.need("centre_keys", want+"; with ack: receipt nothing counts as delivered without them")
	}
}

func (r *reader) share(g *group, to *Uplink) {
	p, there := g.values["backlog_share"]
	if !there {
		return
	}
	share, hint, ok := parsePercent(p.text)
	if p.kind != scalar || !ok || share < 0.01 || share > 0.9 {
		if p.kind != scalar {
			hint = ""
		}
		r.bad(p, "want whole percents from 1% to 90%, such as 50%", hint)
		return
	}
	to.BacklogShare = share
}

func (r *reader) streams(g *group, to *Uplink) {
	places := g.list("streams", "want a list of live, stat and event, or no streams: at all, which means each", len(streams))
	if len(places) == 0 {
		return
	}
	to.Streams = nil
	for _, p := range places {
		switch {
		case p.kind != scalar || !slices.Contains(streams, p.text):
			hint := ""
			if near := nearest(strings.ToLower(p.text), streams); near != "" && p.kind == scalar {
				hint = "did you mean " + near + "?"
			}
			r.bad(p, "want "+or(streams), hint)
		case slices.Contains(to.Streams, p.text):
			r.say(p, "is "+p.text+" a second time", "")
		default:
			to.Streams = append(to.Streams, p.text)
		}
	}
}
