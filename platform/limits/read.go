package limits

import (
	"io"
)

// firstRead is what is taken for a body of unknown length: most end within it.
const firstRead = 4 << 10

// ReadAll reads a body for which its share holds as many bytes as are kept of it, taken before they are read: all of
// them where the length is known, else as they arrive. length is negative where it is not known. They are held until the
// share is left. Errors of the share are *fault.Error, the others the reader's.
func (s *Share) ReadAll(body io.Reader, length int64) ([]byte, error) {
	room := length
	if room < 0 {
		room = firstRead
	}
	if err := s.Take(room + 1); err != nil {
		return nil, err
	}
	text := make([]byte, 0, room+1) // and one to see the end
	for {
		n, err := body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case err == io.EOF:
			return text, nil
		case err != nil:
			return nil, err
		case len(text) == cap(text):
			before := int64(cap(text))
			if err := s.Take(2 * before); err != nil { // while it is copied, both are there
				return nil, err
			}
			text = append(make([]byte, 0, 2*before), text...)
			s.Give(before)
		}
	}
}
