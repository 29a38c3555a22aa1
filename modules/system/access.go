package system

import (
	"io/fs"
	"os"
	"path/filepath"

	"oms/platform/config"
)

// writableByOthers is the mode bit by which everybody on the machine can write.
const writableByOthers = 0o002

// accessProblems tells of the first file of the data directory that everybody on this machine can write: keys and
// databases would be anybody's to replace. Of the group, which on many systems is the user alone, it says nothing: what the
// product makes is its user's alone, and package pki is stricter with keys.
func (c *Config) accessProblems() (list []config.Problem) {
	if c.DataDir == "" {
		return nil
	}
	_ = filepath.WalkDir(c.DataDir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil { // it is not there yet, or any more, or is told of where it is opened
			return nil //nolint:nilerr // see above
		}
		info, err := os.Stat(path) // what a link leads to
		if err != nil || info.Mode().Perm()&writableByOthers == 0 {
			return nil //nolint:nilerr // see above
		}
		list = append(list, config.Problemf("data_dir", "%s can be written by everybody on this machine (mode %04o); run: chmod -R o-w %s", path, info.Mode().Perm(), c.DataDir))
		return filepath.SkipAll
	})
	return list
}
