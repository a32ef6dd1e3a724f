package sheet

import (
	"encoding/xml"
	"errors"
	"io"
)

// tokens reads XML without a stack and without names of namespaces, so that neither depth nor length can fill the
// memory. Who reads must find out whether the end came too early.
type tokens struct {
	xml *xml.Decoder
	in  *rationed
}

// rationed gives out no more than what is left of the ration, which is of bytes.
type rationed struct {
	r    io.Reader
	left int
}

var errTooLong = errors.New("something in it is longer than 1 MiB")

func newTokens(r io.Reader) *tokens {
	in := &rationed{r: r}
	return &tokens{xml: xml.NewDecoder(in), in: in}
}

// next gives the next token, io.EOF after the last.
func (t *tokens) next() (xml.Token, error) {
	t.in.left = maxRecord
	return t.xml.RawToken()
}

func (r *rationed) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errTooLong
	}
	n, err := r.r.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// attr gives the value of an attribute, "" if there is none.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// content gathers the text of a cell or of a shared string, which may stand in several runs.
type content struct {
	text   []byte
	inside bool // an element whose text counts
	// A formula has a value too, unless no program has computed it yet.
	formula, valued bool
	reads           bool // phonetic: how Japanese is read out is no part of the text
}

// take follows one token, and tells whether the element called name has ended.
func (c *content) take(t xml.Token, name string) (ended bool, err error) {
	switch t := t.(type) {
	case xml.StartElement:
		switch t.Name.Local {
		case "rPh":
			c.reads = true
		case "t", "v":
			c.inside = !c.reads
			c.valued = true
		case "f":
			c.inside, c.formula = false, true
		default:
			c.inside = false
		}
	case xml.EndElement:
		c.inside = false
		if t.Name.Local == "rPh" {
			c.reads = false
		}
		return t.Name.Local == name, nil
	case xml.CharData:
		if c.inside {
			c.text = append(c.text, t...)
		}
		if len(c.text) > maxRecord {
			return false, errTooLong
		}
	}
	return false, nil
}
