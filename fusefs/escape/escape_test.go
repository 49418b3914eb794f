package escape

import "testing"

func TestString(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", "python3 -m http.server", "python3 -m http.server"},
		{"UTF-8", "Grüße 東京", "Grüße 東京"},
		{"newline and escape", "a\nb\x1b[31m", `a\x0ab\x1b[31m`},
		{"backslash", `C:\x41`, `C:\\x41`},
		{"not UTF-8", "a\xff\xfeb", `a\xff\xfeb`},
		{"C1 control", "a\u0085b", `a\u0085b`},
		{"right-to-left override", "exe\u202etxt", `exe\u202etxt`},
		{"isolate", "\u2066x\u2069", `\u2066x\u2069`},
		{"replacement character itself", "\ufffd", "\ufffd"},
		{"delete", "\x7f", `\x7f`},
		{"empty", "", ""},
	} {
		if got := String(test.in); got != test.want {
			t.Errorf("%s: String(%q) = %q, want %q", test.name, test.in, got, test.want)
		}
	}
}

func TestJSON(t *testing.T) {
	const in = "{\n  \"a\": \"x\u202ey\u0085\x7f\u00e9\"\n}"
	const want = "{\n  \"a\": \"x\\u202ey\\u0085\\u007f\u00e9\"\n}"
	if got := JSON(in); got != want {
		t.Errorf("JSON(%q) = %q, want %q", in, got, want)
	}
}
