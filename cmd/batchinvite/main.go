// Command batchinvite invites every candidate of a spreadsheet to an assessment, and gives the spreadsheet back with a
// link or an error on every row. Running it again is always safe.
package main

import "os"

func main() { os.Exit(execute(os.Args[1:], newUI(os.Stdin, os.Stdout, os.Stderr))) }
