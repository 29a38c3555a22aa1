package strictjson

import "strconv"

// Bool is the value of a boolean; ok is false for other kinds.
func (v Value) Bool() (value, ok bool) { return v.text == "true", v.kind == Bool }

// Int64 is a number without fraction and exponent; ok is false for anything else and when it does not fit.
func (v Value) Int64() (value int64, ok bool) {
	value, err := strconv.ParseInt(v.text, 10, 64)
	return value, err == nil && v.kind == Number
}
