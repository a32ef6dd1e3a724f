package sheet_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/sheet"
)

func Example() {
	file := strings.NewReader("Full Name,E-mail,Assessment ID\nAnn Example,Ann@Example.org,4711\nBob,bob@@example.org,4711\n")
	snapshot, err := sheet.Copy(context.Background(), "candidates.csv", file)
	if err != nil {
		log.Fatal(err)
	}
	defer snapshot.Close()
	s, err := sheet.Open(snapshot, sheet.Options{
		Campaign: "default",
		Zones:    invite.AsWritten,
		Defaults: map[sheet.Field]sheet.Default{sheet.Format: {Value: "getlink"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Mapping())
	for row, err := range s.Rows() {
		switch {
		case err != nil:
			log.Fatal(err)
		case row.Problem != nil:
			fmt.Println(row.Problem)
		default:
			fmt.Println(row.Candidate.Key.Email, row.Candidate.Format)
		}
	}
	// Output:
	// name: "Full Name", e-mail address: "E-mail", assessment id: "Assessment ID", invite format: getlink
	// ann@example.org getlink
	// line 3, column E-mail: "bob@@example.org" is not an e-mail address
}
