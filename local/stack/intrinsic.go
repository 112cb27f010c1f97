package stack

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// text resolves a scalar or a function that gives one.
func (r *reader) text(at string, n *node) string {
	switch n.kind {
	case scalar:
		return n.text
	case null:
		return ""
	case intrinsic:
		return r.call(at, n)
	}
	r.problem(n.line, at, "expected a value, found %s", n.kind)
	return ""
}

func (r *reader) call(at string, n *node) string {
	argument := n.items[0]
	switch n.tag {
	case "Ref":
		if argument.kind == scalar {
			return r.reference(at, argument.text, n.line)
		}
	case "GetAtt":
		if argument.kind == scalar {
			return r.attribute(at, argument.text, n.line)
		}
	case "Sub":
		if argument.kind == scalar {
			return r.substitute(at, argument.text, n.line)
		}
	case "If":
		return r.choose(at, argument)
	default:
		r.problem(n.line, at, "keyward local does not carry the function %s", n.tag)
		return ""
	}
	r.problem(n.line, at, "keyward local carries the function %s with a plain argument alone", n.tag)
	return ""
}

// pseudo are the pseudo parameters.
func (r *reader) pseudo(name string) (string, bool) {
	switch name {
	case "AWS::AccountId":
		return r.options.Account, true
	case "AWS::Region":
		return r.options.Region, true
	case "AWS::Partition":
		return "aws", true
	case "AWS::StackName":
		return r.options.Name, true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	}
	return "", false
}

func (r *reader) reference(at, name string, line int) string {
	if v, ok := r.pseudo(name); ok {
		return v
	}
	if v, ok := r.parameters[name]; ok {
		return v
	}
	return r.attribute(at, name, line)
}

// attribute resolves Resource and Resource.Attribute.
func (r *reader) attribute(at, name string, line int) string {
	id, attribute, _ := strings.Cut(name, ".")
	for _, res := range r.resources {
		if res.id != id {
			continue
		}
		if v, ok := r.attributes(res)[attribute]; ok {
			return v
		}
		r.problem(line, at, "keyward local does not carry %s of a resource of type %s", orRef(attribute), res.kind)
		return ""
	}
	if function, ok := strings.CutSuffix(id, "Role"); ok && r.isFunction(function) {
		switch attribute { // the role that SAM makes for a function
		case "":
			return id
		case "Arn":
			return "arn:aws:iam::" + r.options.Account + ":role/" + id
		}
	}
	r.problem(line, at, "there is no parameter or resource %s", id)
	return ""
}

func (r *reader) isFunction(id string) bool {
	return slices.ContainsFunc(r.resources, func(res resource) bool { return res.id == id && res.kind == "AWS::Serverless::Function" })
}

func orRef(attribute string) string {
	if attribute == "" {
		return "Ref"
	}
	return "the attribute " + attribute
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *reader) substitute(at, text string, line int) string {
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		name := s[2 : len(s)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		return r.reference(at, name, line)
	})
}

// include is the transform AWS::Include of a local file, which sam package uploads.
func (r *reader) include(at string, n *node) json.RawMessage {
	p := r.properties(at, n.items[0])
	p.only("Name", "AWS::Include")
	parameters := p.sub("Parameters")
	location := parameters.required("Location")
	parameters.end()
	p.end()
	if location == "" {
		return nil
	}
	return r.file(at, location, n.line)
}

// file reads JSON below the template's folder, compacted.
func (r *reader) file(at, location string, line int) json.RawMessage {
	data, err := fs.ReadFile(r.files, path.Clean(location))
	if err != nil {
		r.problem(line, at, "reading a file: %v", err)
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		r.problem(line, at, "reading %s: %v", location, err)
		return nil
	}
	return compact.Bytes()
}
