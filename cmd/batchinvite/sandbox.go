package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/sandbox"
)

func (a *app) sandboxCommand() *cobra.Command {
	var (
		listen, faults, key, logFile string
		seed                         uint64
		quota                        int
	)
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a local stand-in for the vendor's API, with faults on demand",
		Example: `  batchinvite sandbox --faults "429=0.05,500-after=0.02,latency=20ms"
  BATCHINVITE_API_KEY=any batchinvite run candidates.csv --base-url http://127.0.0.1:8080/api/v2 --ledger try.db
`,
		Args: cobra.NoArgs,
	}
	flags := group("Flags", func(f *pflag.FlagSet) {
		f.StringVar(&listen, "listen", "127.0.0.1:8080", "loopback `address`")
		f.StringVar(&faults, "faults", "", "kinds of faults with their `chances`, and with their Retry-After: 429=0.05:2s; kinds: "+sandbox.Kinds()+"; latency=20ms+10ms, or latency=0.5:20ms for some calls")
		f.Uint64Var(&seed, "seed", 0, "the same `number` gives the same faults; 0 is a new one each time")
		f.IntVar(&quota, "quota", 0, "invitations until they are used up")
		f.StringVar(&key, "accept-key", "", "the only API `key` that is accepted; default: any")
		f.StringVar(&logFile, "log", "", "write every call to this `file` at the end, as JSON lines")
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a.started = true
		if seed == 0 {
			seed = uint64(time.Now().UnixNano())
		}
		plan, err := sandbox.ParsePlan(faults)
		if err != nil {
			return usage(err)
		}
		log, err := openLog(logFile)
		if err != nil {
			return usage(err)
		}
		take, _, release := a.watchSignals(cmd.Context())
		defer release()
		server := sandbox.New(sandbox.Config{Seed: seed, APIKey: key, Plan: plan, Quota: quota, CountsOnly: logFile == ""})
		base, err := server.Start(take, listen)
		if err != nil {
			return usage(err)
		}
		fmt.Fprintf(a.out, "listening on %s, seed %d, faults %q\n", base, seed, plan)
		<-take.Done()
		if err := server.Close(); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s, %s, invited twice: %d by getlink, %d by sendlink\n", count(server.Calls(), "call"), count(server.Invitations(), "invitation"),
			len(server.Duplicates("getlink")), len(server.Duplicates("sendlink")))
		if log == nil {
			return nil
		}
		return errors.Join(server.WriteLog(log), log.Close())
	}
	addGroups(cmd, flags)
	return cmd
}

// openLog is nil without a path. It comes before the first call, which must not be lost to a wrong path.
func openLog(path string) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}
