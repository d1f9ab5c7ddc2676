// Command zbundle collects the state of an Istio ambient mesh into a bundle
// and says, offline, what is wrong with it.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
