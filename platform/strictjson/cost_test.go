package strictjson_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"oms/platform/strictjson"
)

// Twenty bodies of a million numbers took 417 MB: the tree of a text is bounded, whatever the text.
func TestAMillionValuesAreRefusedBeforeTheyAreBuilt(t *testing.T) {
	for name, text := range map[string]string{
		"numbers":        `{"a":[` + strings.Repeat("0,", 500_000) + `0]}`,
		"empty arrays":   `[` + strings.Repeat("[],", 300_000) + `[]]`,
		"empty objects":  `[` + strings.Repeat("{},", 300_000) + `{}]`,
		"empty strings":  `[` + strings.Repeat(`"",`, 300_000) + `""]`,
		"nested":         `[` + strings.Repeat(strings.Repeat("[", 30)+strings.Repeat("]", 30)+",", 15_000) + `0]`,
		"many names":     `{` + names(100_000) + `"a":0}`,
		"objects of one": `[` + strings.Repeat(`{"":0},`, 100_000) + `0]`,
	} {
		took, err := allocated(text)
		if err == nil || !strings.Contains(err.Error(), "more than 10000 values") {
			t.Errorf("%s: %v", name, err)
		}
		if most := strictjson.Cost([]byte(text)); took > 2*most { // half of it was given up on the way
			t.Errorf("%s: %d bytes were taken for a text of %d, more than twice %d", name, took, len(text), most)
		}
	}
}

func TestReadingTakesNoMoreThanItsCost(t *testing.T) {
	const n = strictjson.MaxValues - 2
	for name, text := range map[string]string{
		"nothing":       `0`,
		"an order":      `{"id":"a","name":"b","items":[` + strings.Repeat(`{"category":"electronics","code":"SOWH1000XM4","qty":1},`, 99) + `{"qty":1}]}`,
		"numbers":       `[` + strings.Repeat("0,", n-1) + `0]`,
		"empty objects": `[` + strings.Repeat("{},", n-1) + `0]`,
		"many names":    `{` + names(n-1) + `"a":0}`,
		"pairs":         `[` + strings.Repeat(`[0,{"a":0}],`, n/5) + `0]`,
		"one text":      `"` + strings.Repeat("x", 1<<20) + `"`,
	} {
		took, err := allocated(text)
		const inAnyCase = 8 << 10 // the first stack, and what the runtime does meanwhile
		if most := strictjson.Cost([]byte(text)); err != nil || took > 2*most+inAnyCase {
			t.Errorf("%s: %d bytes were taken for a text of %d, more than twice %d; %v", name, took, len(text), most, err)
		}
	}
}

func names(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `"%d":0,`, i)
	}
	return text.String()
}

// allocated is how many bytes are allocated to read a text, with what was given up on the way.
func allocated(text string) (int64, error) {
	data := []byte(text)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := strictjson.Parse(data)
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc), err
}
