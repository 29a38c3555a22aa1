// Package migrations holds the schema of every module's database, one directory a module, as numbered SQL files.
//
// A file is NNNN_name.sql in goose's format. A file that was released never changes: what comes later is another file.
// The package only carries the files; an engine below platform/database applies them.
package migrations

import (
	"embed"
	"io/fs"
)

// files is the tree as it was when the program was built.
//
//go:embed */*.sql
var files embed.FS

// For gives the migrations of one module, at the root of the file system that it returns. A module without migrations
// gets an empty one, which the opening of its database refuses by name.
func For(module string) fs.FS {
	tree, err := fs.Sub(files, module)
	if err != nil {
		// Only a name that is not a path gets here; no file has it.
		return embed.FS{}
	}
	return tree
}
