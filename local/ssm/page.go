package ssm

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// bounds are the least, the most and the usual number of results on a page.
type bounds struct{ least, most, usual int }

// cut takes one page out of a list that is in a lasting order. The kind keeps one operation's tokens
// from being used for another. The token of the last page is "".
func cut[T any](list []T, kind, token string, size *int, b bounds) ([]T, string, error) {
	n := b.usual
	if size != nil {
		n = *size
	}
	if n < b.least || n > b.most {
		return nil, "", constraint("maxResults", n, fmt.Sprintf("have value between %d and %d", b.least, b.most))
	}
	from := 0
	if token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		number, ok := strings.CutPrefix(string(text), kind+" ")
		from, _ = strconv.Atoi(number)
		if err != nil || !ok || from <= 0 || from > len(list) {
			return nil, "", refuse("InvalidNextToken", "The specified token is not valid.")
		}
	}
	to := min(from+n, len(list))
	next := ""
	if to < len(list) {
		next = base64.RawURLEncoding.EncodeToString([]byte(kind + " " + strconv.Itoa(to)))
	}
	return list[from:to], next, nil
}

func paged(name string, list any, next string) map[string]any {
	answer := map[string]any{name: list}
	if next != "" {
		answer["NextToken"] = next
	}
	return answer
}
