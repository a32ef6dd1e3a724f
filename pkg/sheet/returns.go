package sheet

import (
	"bufio"
)

// returns makes line feeds of the carriage returns that end lines by themselves, as old Macs wrote them. Inside quotes
// they are data and stay. The csv reader sees no line end in those, but whoever looks into the file does.
type returns struct {
	in     *bufio.Reader
	quoted bool
	given  int64   // bytes
	kept   []int64 // offsets of the returns that stayed, of those that were not passed yet
	passed int     // the others
}

func (r *returns) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	for i, b := range p[:n] {
		switch {
		case b == '"': // a doubled one changes nothing
			r.quoted = !r.quoted
		case b != '\r' || r.next(p[i+1:n]) == '\n':
		case r.quoted:
			r.kept = append(r.kept, r.given+int64(i))
		default:
			p[i] = '\n'
		}
	}
	r.given += int64(n)
	return n, err
}

// next is the byte that follows, which may not have been read yet; 0 at the end.
func (r *returns) next(rest []byte) byte {
	if len(rest) > 0 {
		return rest[0]
	}
	if ahead, _ := r.in.Peek(1); len(ahead) > 0 {
		return ahead[0]
	}
	return 0
}

// before counts the returns inside quotes up to an offset, which never goes back.
func (r *returns) before(offset int64) int {
	for len(r.kept) > 0 && r.kept[0] < offset {
		r.kept = r.kept[1:]
		r.passed++
	}
	return r.passed
}
