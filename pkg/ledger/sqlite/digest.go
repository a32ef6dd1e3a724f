package sqlite

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"strings"

	modernc "modernc.org/sqlite"
)

// digester gives the text that stands for an address in the records that were purged. It is nil where none ever was, so
// that nobody pays for it before.
type digester []byte

// of: with # in front it is no hexadecimal that means anything else, and without an @ it is no address.
func (d digester) of(email string) string {
	h := hmac.New(sha256.New, d)
	h.Write([]byte(email))
	return "#" + hex.EncodeToString(h.Sum(nil))
}

func (d digester) orNull(email string) any {
	if d == nil || email == "" {
		return nil
	}
	return d.of(email)
}

func isDigest(email string) bool { return !strings.Contains(email, "@") }

// readDigester asks the ledger: a purge may have made the secret since it was opened.
func readDigester(q queryer) (d digester, err error) {
	err = q.QueryRowContext(background, "SELECT key FROM digest").Scan((*[]byte)(&d))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return d, err
}

func (w *writer) makeDigester() error {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	if _, err := w.conn.ExecContext(background, "INSERT INTO digest (key) VALUES (?)", key); err != nil {
		return err
	}
	w.digest = key
	return nil
}

// digest(key, email) lets one statement purge a million records. NULL where there is no key.
func init() {
	modernc.MustRegisterDeterministicScalarFunction("digest", 2, digestSQL)
}

func digestSQL(_ *modernc.FunctionContext, args []driver.Value) (driver.Value, error) {
	key, _ := args[0].([]byte)
	email, isText := args[1].(string)
	if !isText {
		return nil, errors.New("digest of what is no text")
	}
	return digester(key).orNull(email), nil
}
