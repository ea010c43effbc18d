package main

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"envgate/config"
	"envgate/drivers"
	"envgate/envelope"
)

// catalogue is what a receiver needs to understand blocks: which sources there are,
// what their points mean, and whose signatures to expect. Blocks name it by its hash.
type catalogue struct {
	Version   int         `json:"v"`
	Gateway   string      `json:"gateway"`
	Name      string      `json:"name,omitempty"`
	MN        string      `json:"mn,omitempty"`
	Position  *position   `json:"position,omitempty"`
	Agent     string      `json:"agent"`
	Keys      []publicKey `json:"keys"`
	Streams   []string    `json:"streams"`
	SealingMs int64       `json:"sealing_ms"`
	Minutes   int         `json:"minutes,omitempty"` // length of a minute period
	Uplinks   []catUplink `json:"uplinks,omitempty"`
	Sources   []source    `json:"sources"`
}

// position is in degrees (WGS 84) and metres above sea level.
type position struct {
	Latitude  float64 `json:"lat"`
	Longitude float64 `json:"lon"`
	Altitude  float64 `json:"alt"`
}

type publicKey struct {
	KeyID       string `json:"kid"`
	Algorithm   string `json:"alg"`
	Fingerprint string `json:"fingerprint"`
	PEM         string `json:"pem"`
}

// catUplink says how far the acknowledgements of an uplink can be trusted.
type catUplink struct {
	Name       string `json:"name"`
	Ack        string `json:"ack"`
	Unverified bool   `json:"puback_unverified,omitempty"`
}

type source struct {
	Source     string  `json:"src"`
	Device     string  `json:"device"`
	Line       string  `json:"line"`
	Protocol   string  `json:"protocol,omitempty"`    // hj212; Modbus where it is not there
	Medium     string  `json:"calculation,omitempty"` // of what is computed, which has no line and no template
	MN         string  `json:"mn,omitempty"`          // of hj212, which has no template and no unit
	Template   string  `json:"template,omitempty"`
	TemplateID string  `json:"template_hash,omitempty"`
	Unit       int     `json:"unit,omitempty"`
	IntervalMs int64   `json:"interval_ms"`
	Points     []point `json:"points"`
	Raw        *raw    `json:"raw,omitempty"` // what the register bytes in its blocks are; none without evidence

	Parameters []*drivers.ParameterSpec `json:"parameters,omitempty"` // of the device; at its first source
}

// raw is the question behind the register bytes that a source keeps as evidence.
type raw struct {
	Function byte   `json:"function"`
	Address  uint16 `json:"address"`
	Quantity uint16 `json:"quantity"`
}

func rawOf(d *drivers.Device, source string) *raw {
	q, ok := d.Evidence()[source]
	if !ok {
		return nil
	}
	return &raw{q.Function, q.Address, q.Quantity}
}

type point struct {
	Point      string   `json:"point"`
	Chinese    string   `json:"zh,omitempty"`
	English    string   `json:"en,omitempty"`
	Unit       string   `json:"unit"`
	Decimals   int      `json:"decimals"`         // -1: as the instrument gives them
	States     []string `json:"states,omitempty"` // of a state: what 0 and 1 mean
	Confidence string   `json:"confidence,omitempty"`

	converted bool // there is a converted value beside it
}

func publicKeys(k *envelope.Key) []publicKey {
	p := k.Public()
	return []publicKey{{p.KeyID, p.Algorithm, p.Fingerprint(), string(p.PEM())}}
}

// makeDocuments writes down what the hashes in blocks stand for.
func makeDocuments(site *config.Site, key *envelope.Key, lines []*siteLine) documents {
	keys := publicKeys(key)
	c := catalogue{
		Version: 1, Gateway: site.Gateway.ID, Name: site.Gateway.Name, MN: site.Gateway.MN,
		Agent: version, Keys: keys, Streams: streams,
		SealingMs: site.Sealing.Interval.Milliseconds(), Minutes: site.Rollup.Minutes,
	}
	if p := site.Gateway.Position; p != nil {
		c.Position = &position{p.Latitude, p.Longitude, p.Altitude}
	}
	for _, u := range site.Uplinks {
		c.Uplinks = append(c.Uplinks, catUplink{u.Name, u.Ack, u.PubackUnverified})
	}
	texts := map[document]bool{} // two files in two folders may share a name
	for _, l := range lines {
		for _, d := range l.devices {
			text := string(d.template.Source())
			texts[document{d.template.Name, text}] = true
			c.Sources = append(c.Sources, sources(l, d, envelope.Hash([]byte(text)))...)
		}
	}
	c.Sources = append(c.Sources, loggerSources(site)...)
	c.Sources = append(c.Sources, calculationSources(site)...)
	docs := documents{config: site.Canonical(), catalogue: mustJSON(c), keys: string(mustJSON(keys)), states: map[string]bool{}}
	for _, s := range c.Sources {
		for _, p := range s.Points {
			if p.States != nil {
				docs.states[s.Source+"|"+p.Point] = true
			}
		}
	}
	docs.templates = slices.Collect(maps.Keys(texts))
	sort.Slice(docs.templates, func(i, j int) bool {
		a, b := &docs.templates[i], &docs.templates[j]
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.text, b.text)) < 0
	})
	return docs
}

func sources(l *siteLine, d *siteDevice, hash string) []source {
	var out []source
	index := map[string]int{}
	for _, p := range d.device.Points() {
		i, ok := index[p.Source]
		if !ok {
			i = len(out)
			index[p.Source] = i
			out = append(out, source{
				Source: p.Source, Device: d.config.Name, Line: l.config.Name, Template: d.template.Name,
				TemplateID: hash, Unit: d.config.Unit, IntervalMs: d.config.Interval.Milliseconds(), Raw: rawOf(d.device, p.Source),
			})
		}
		out[i].Points = append(out[i].Points, catPoint(p))
	}
	out[0].Parameters = d.device.Parameters() // a template has one point at least
	return out
}

func catPoint(p drivers.Point) point {
	out := point{Point: p.Name, Chinese: p.Chinese, English: p.English, Unit: p.Unit, Decimals: p.Decimals, Confidence: p.Confidence}
	if p.States[0] != "" {
		out.States = p.States[:]
	}
	return out
}
