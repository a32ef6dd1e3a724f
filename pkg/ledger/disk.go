package ledger

import "errors"

// What can be wrong with the place of a ledger that is a file. Callers tell them apart with errors.Is.
var (
	// ErrFull: the disk is full. The transaction was rolled back before anything of it was committed.
	ErrFull = errors.New("the disk is full")
	// ErrReplaced: somebody deleted, moved or replaced the file, or one that belongs to it, while it was open. Another
	// process may have begun a ledger of that name, so this one is written no more.
	ErrReplaced = errors.New("the file was deleted or replaced while this run used it")
	// ErrUnwritable: the file, its folder or the file system of both can't be written.
	ErrUnwritable = errors.New("the file or its folder can't be written")
	// ErrNetwork: the file is, or would be, on a network file system.
	ErrNetwork = errors.New("it is on a network file system")
)
