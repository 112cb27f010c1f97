package ec2

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/wire"
)

// filter is one Filter of a Describe call; its values are alternatives, in which * is any text and ?
// one character.
type filter struct {
	Name  string
	Value []string
}

const maxFilterValues = 200

// passes asks every filter. Value says what a resource has under a filter's name, and whether the
// name is known; a name that is not is a loud error.
func passes(filters []filter, tags map[string]string, value func(name string) ([]string, bool)) (bool, error) {
	for _, f := range filters {
		have, known := value(f.Name)
		if name, ok := strings.CutPrefix(f.Name, "tag:"); ok {
			known, have = true, nil
			if v, there := tags[name]; there {
				have = []string{v}
			}
		}
		if f.Name == "tag-key" {
			known, have = true, nil
			for name := range tags {
				have = append(have, name)
			}
		}
		if !known {
			return false, wire.Unimplemented("filter %s of service ec2", f.Name)
		}
		if len(f.Value) == 0 || len(f.Value) > maxFilterValues {
			return false, parameter("InvalidParameterValue", "Filter %s: %d values, expected 1 to %d", f.Name, len(f.Value), maxFilterValues)
		}
		if !slices.ContainsFunc(have, func(v string) bool { return slices.ContainsFunc(f.Value, func(p string) bool { return like(p, v) }) }) {
			return false, nil
		}
	}
	return true, nil
}

// like compares with a pattern. EC2 knows no character classes, and its * crosses slashes.
func like(pattern, text string) bool {
	const slash = "\x00"
	pattern = strings.NewReplacer("/", slash, "[", `\[`).Replace(pattern)
	ok, err := path.Match(pattern, strings.ReplaceAll(text, "/", slash))
	return err == nil && ok
}

func parameter(code, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// paging is what Describe calls share.
type paging struct {
	MaxResults *int32
	NextToken  string
	DryRun     bool
	Filter     []filter
}

// page cuts the list, sorted by name, behind the token. Named says that the call named its resources,
// with which EC2 does not page. Least is the smallest MaxResults.
func page[T any](p paging, named bool, least int32, list []T, name func(T) string) (part []T, next string, err error) {
	if p.DryRun {
		return nil, "", &wire.Error{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: 412}
	}
	limit := len(list)
	if p.MaxResults != nil {
		if named {
			return nil, "", parameter("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
		}
		if *p.MaxResults < least || *p.MaxResults > 1000 {
			return nil, "", parameter("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value from %d to 1000.", *p.MaxResults, least)
		}
		limit = int(*p.MaxResults)
	}
	if p.NextToken != "" {
		last, err := base64.RawURLEncoding.DecodeString(p.NextToken)
		if err != nil {
			return nil, "", parameter("InvalidParameterValue", "Unable to parse pagination token %q", p.NextToken)
		}
		list = slices.DeleteFunc(slices.Clone(list), func(v T) bool { return name(v) <= string(last) })
	}
	if len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], base64.RawURLEncoding.EncodeToString([]byte(name(list[limit-1]))), nil
}
