package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// titles are headers of columns that have the titles of assessments in some sheets and their ids in others.
var titles = []string{"assessment", "test", "evaluation", "evaluacion", "prueba", "avaliacao", "teste"}

// titled watches a column that has such a header and is not read, because a flag says which assessment is meant.
type titled struct {
	place   int // of the file's own columns, -1 if there is none
	numbers int
	others  bool // or none of its cells has anything else
}

func (h *header) titledColumn() titled {
	at := -1
	if _, ok := h.columns[AssessmentID]; !ok && !h.bare {
		at = slices.IndexFunc(h.labels, func(label string) bool { return slices.Contains(titles, word(label)) })
	}
	for _, used := range h.columns {
		if used == at {
			at = -1
		}
	}
	return titled{place: at}
}

func (t *titled) see(cells []string) {
	if t.place < 0 || t.place >= len(cells) || t.others {
		return
	}
	switch text := trim(cells[t.place]); {
	case text == "":
	case strings.Trim(text, "0123456789") == "":
		t.numbers++
	default:
		t.others = true
	}
}

// notice says that the column may have been meant, "" if it can't.
func (t *titled) notice(h *header) string {
	if t.numbers == 0 || t.others {
		return ""
	}
	return fmt.Sprintf("column %s has whole numbers and is not read; if they are ids: %s", strconv.Quote(cut(h.labels[t.place])), h.choose(AssessmentID, []int{t.place}))
}

// remarked says which columns may have been meant for a field that has none, but for the remarks behind their headers.
func (h *header) remarked(sent bool) (all []string) {
	for _, f := range []Field{AssessmentID, Format, Expires} {
		if h.has(f) || sent {
			continue
		}
		for _, i := range h.doubtful(f) {
			all = append(all, fmt.Sprintf("column %s is not read; if it is the %s: %s", strconv.Quote(cut(h.labels[i])), words[f], h.choose(f, []int{i})))
		}
	}
	return all
}
