package strictjson

import "encoding/json"

// MarshalJSON writes the value back: the same tree, members in their order, numbers as they were written.
func (v Value) MarshalJSON() ([]byte, error) { return v.append(nil), nil }

func (v Value) append(to []byte) []byte {
	switch v.kind {
	case Null:
		return append(to, "null"...)
	case Bool, Number:
		return append(to, v.text...)
	case String:
		return appendString(to, v.text)
	case Array:
		to = append(to, '[')
		for i, item := range v.Items() {
			if i > 0 {
				to = append(to, ',')
			}
			to = item.append(to)
		}
		return append(to, ']')
	}
	separator := byte('{')
	for name, member := range v.Members() {
		to = append(to, separator)
		to = append(appendString(to, name), ':')
		to = member.append(to)
		separator = ','
	}
	if separator == '{' {
		to = append(to, separator)
	}
	return append(to, '}')
}

func appendString(to []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // a string always has a JSON form
		return append(to, `""`...)
	}
	return append(to, quoted...)
}
