// Package api is the client of the vendor's API: one candidate to invite or one invitation to take back in, one
// classified outcome out.
//
// Inviting is not idempotent, and sendlink e-mails a real person, so the contract is about what may have happened:
//
//   - One call is at most one request on the wire. Nothing here sends again; the caller does, by the answer's class.
//   - "Not sent" is said only with a proof: no connection was had, or no byte was written to it (see wire.go).
//   - An answer that came before its request is none: what a server sends unasked is never taken for a verdict.
//   - Every end of a call, however odd, has exactly one line in the table (see table.go); what is unclear is ambiguous.
//   - The API key is in no text that leaves the package (invariant 12 of package ledger), also when the server echoes it.
//   - Texts of the vendor's are cut, and addresses in them masked.
package api
