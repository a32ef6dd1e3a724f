// Command batchinvite invites every candidate of a spreadsheet to an assessment, and gives the spreadsheet back with a
// link or an error on every row. Running it again is always safe.
package main

import (
	"io"
	"log"
	"os"
)

func main() {
	log.SetOutput(io.Discard) // net/http logs what a server sends unasked, which may be the API key (invariant 12)
	os.Exit(execute(os.Args[1:], newUI(os.Stdin, os.Stdout, os.Stderr)))
}
