package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"envgate/agent/platform"
	"envgate/config"
)

// cmdPlatform takes back what a platform has set. The running agent does it; where none
// runs it is done in the file, and the next start says so in the log.
func cmdPlatform(args []string, out, errs io.Writer) error {
	f := flags("platform")
	path := f.String("c", "site.yaml", "site file")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 || rest[0] != "reset" {
		return fmt.Errorf("%w: want platform reset and the name of a platform", errUsage)
	}
	site, err := loadSite(*path, errs)
	if err != nil {
		return err
	}
	name := rest[1]
	if !knowsPlatform(site, name) {
		return noPlatform(site, name)
	}
	was, err := resetLive(site, name)
	if errors.Is(err, errNoAgent) {
		was, err = resetFile(site, name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "platform %s: the site file counts again. It had set: %s\n", name, cmp.Or(was, "nothing"))
	return nil
}

// resetLive asks the running agent.
func resetLive(site *config.Site, name string) (was string, err error) {
	a, err := dialAgent(site)
	if err != nil {
		return "", err
	}
	defer a.Close()
	ctx, stop := untilStopped()
	defer stop()
	r, err := a.ask(ctx, &request{Do: "platform-reset", Line: name})
	return r.Data, err
}

// resetFile does it where no agent runs.
func resetFile(site *config.Site, name string) (was string, err error) {
	k, err := platform.OpenKeeper(keptPath(site))
	if err != nil {
		return "", err
	}
	was = k.Of(name).String()
	if was == "" {
		return "", nil
	}
	return was, k.Change(name, func(kept *platform.Kept) { *kept = platform.Kept{Reset: was} })
}
