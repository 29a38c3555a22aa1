package money_test

import (
	"math"
	"testing"

	"oms/platform/money"
)

func TestAmountsAreWrittenAndRead(t *testing.T) {
	for _, c := range []struct {
		amount   int64
		currency string
		text     string
	}{
		{124900, "USD", "1249.00"}, {5, "EUR", "0.05"}, {0, "EUR", "0.00"}, {500, "JPY", "500"}, {0, "JPY", "0"},
		{1, "KWD", "0.001"}, {math.MaxInt64, "USD", "92233720368547758.07"}, {1250, "XXX", "12.50"},
	} {
		if got := money.Format(c.amount, c.currency); got != c.text {
			t.Errorf("%d %s: %s, want %s", c.amount, c.currency, got, c.text)
		}
		if got, err := money.Parse(c.text, c.currency); err != nil || got != c.amount {
			t.Errorf("%s %s: %d, %v", c.text, c.currency, got, err)
		}
	}
	for text, want := range map[string]int64{"-0.05": -5, "-12.50": -1250, "-92233720368547758.08": math.MinInt64} {
		if got := money.Format(want, "USD"); got != text {
			t.Errorf("%d: %s, want %s", want, got, text)
		}
	}
	for text, want := range map[string]int64{"12": 1200, "12.5": 1250, "007": 700} {
		if got, err := money.Parse(text, "EUR"); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
}

func TestWhatIsNoAmountIsRefused(t *testing.T) {
	for _, c := range [][2]string{
		{"", "EUR"}, {".", "EUR"}, {".5", "EUR"}, {"5.", "EUR"}, {"1,50", "EUR"}, {"1 000", "EUR"}, {"1_000", "EUR"}, {"1e3", "EUR"}, {"+1", "EUR"}, {"-1", "EUR"},
		{"1.505", "EUR"}, {"1.000", "EUR"}, {"1.0", "JPY"}, {"0.0001", "KWD"}, {"٣", "EUR"}, {"0x10", "EUR"}, {"1.2.3", "EUR"}, {"NaN", "EUR"},
		{"92233720368547758.08", "USD"}, {"99999999999999999999999", "JPY"},
	} {
		if got, err := money.Parse(c[0], c[1]); err == nil {
			t.Errorf("%q %s is %d", c[0], c[1], got)
		}
	}
}

// FuzzParse: whatever is read is written in a form that is read as the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "12.50", "1249.00", "0.001", "-1", "1e9", "9223372036854775807"} {
		f.Add(seed, "USD")
		f.Add(seed, "JPY")
		f.Add(seed, "KWD")
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		amount, err := money.Parse(text, currency)
		if err != nil {
			return
		}
		if again, err := money.Parse(money.Format(amount, currency), currency); err != nil || again != amount || amount < 0 {
			t.Fatalf("%q %q is %d, which is written as %s and read as %d, %v", text, currency, amount, money.Format(amount, currency), again, err)
		}
	})
}
