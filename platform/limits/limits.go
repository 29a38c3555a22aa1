// Package limits bounds what anybody can take of a process: how often somebody may come ([Rates]), how much of its memory and
// work requests may hold together ([Budget]), and who gets a processor next where there are too few ([Turns]).
//
// The first two decide at once and never wait. They know no HTTP and no operation: whoever serves says of which class a
// request is, and who is behind it, as far as that is known.
package limits
