// Package shell writes what people copy into a shell.
package shell

import "strings"

// plain are the characters that no POSIX shell takes for anything else than themselves, wherever they stand in a word.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

// Quote writes a text as one word: as it is where nothing in it means anything to a shell, else between single quotes (POSIX
// Shell Command Language 2.2.2). What no terminal can show, and so nobody can check before pasting, is left out.
func Quote(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, text)
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
