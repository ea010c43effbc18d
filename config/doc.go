// Package config reads the one YAML file that describes a site: the gateway,
// its buses and instruments, its log and where the readings go.
//
// Whoever stands on a roof with a laptop has one try. So [Load] and [Parse]
// are strict, never stop at the first mistake, and say for each one where it
// stands, what stands there and what may stand there ([Problem]). What a file
// does not say gets a documented default; what must not be guessed, such as
// the parity of a serial line, has none and must be said. What is allowed but
// unwise comes as a warning on the [Site].
//
// Parse opens none of the files that a site file names and no port; whether
// they are there is the agent's to check. The one thing it looks at is whether
// two serial ports are links to the same device.
//
// The values are kept as they are in force, defaults filled in. [Site.Canonical]
// writes them down in a form whose hash is the same on every gateway.
//
// The YAML is a small part of YAML: one document, no anchors, aliases, tags or
// block scalars, all of which can hide what a value really is.
package config
