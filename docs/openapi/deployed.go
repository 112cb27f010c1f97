package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// functions are the functions behind the APIs, by their logical ids in the template.
var functions = map[string]string{People: "ApiFunction", Machines: "RequestFunction"}

// Deployed is the part of the document that is about one API, in JSON, as the template gives it to API Gateway by AWS::Include.
// Each operation is integrated here with its function: events of a function cannot be conditional, as the machines' API is, and
// each would be a permission of its own. Servers are left out, since API Gateway gives the API its address.
func Deployed(api string) (string, error) {
	text, err := Document()
	if err != nil {
		return "", err
	}
	var whole yaml.MapSlice
	if err := yaml.UnmarshalWithOptions([]byte(text), &whole, yaml.UseOrderedMap()); err != nil {
		return "", fmt.Errorf("reading the document: %w", err)
	}
	whole = slices.DeleteFunc(whole, func(i yaml.MapItem) bool { return i.Key == "servers" })
	for i, item := range whole {
		switch item.Key {
		case "info":
			whole[i].Value = named(item.Value.(yaml.MapSlice), api)
		case "tags":
			whole[i].Value = slices.DeleteFunc(item.Value.([]any), func(t any) bool { return t.(yaml.MapSlice)[0].Value != api })
		case "paths":
			whole[i].Value = pathsOf(item.Value.(yaml.MapSlice), api)
		}
	}
	whole, err = used(whole)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err = e.Encode(ordered{whole})
	return b.String(), err
}

var reference = regexp.MustCompile(`"#/components/(\w+)/(\w+)"`)

// used leaves of the components what the paths refer to, and what that refers to.
func used(whole yaml.MapSlice) (yaml.MapSlice, error) {
	last := len(whole) - 1 // the components
	texts, seen := map[string]string{}, map[string]bool{}
	for _, kind := range whole[last].Value.(yaml.MapSlice) {
		for _, c := range kind.Value.(yaml.MapSlice) {
			text, err := json.Marshal(ordered{c.Value})
			if err != nil {
				return nil, err
			}
			texts[fmt.Sprint(kind.Key, "/", c.Key)] = string(text)
		}
	}
	first, err := json.Marshal(ordered{whole[:last]})
	if err != nil {
		return nil, err
	}
	for open := []string{string(first)}; len(open) > 0; open = open[1:] {
		for _, m := range reference.FindAllStringSubmatch(open[0], -1) {
			if name := m[1] + "/" + m[2]; !seen[name] {
				seen[name] = true
				open = append(open, texts[name])
			}
		}
	}
	var kept yaml.MapSlice
	for _, kind := range whole[last].Value.(yaml.MapSlice) {
		all := slices.DeleteFunc(kind.Value.(yaml.MapSlice), func(c yaml.MapItem) bool {
			return kind.Key != "securitySchemes" && !seen[fmt.Sprint(kind.Key, "/", c.Key)]
		})
		if len(all) > 0 {
			kept = append(kept, yaml.MapItem{Key: kind.Key, Value: all})
		}
	}
	return append(whole[:last:last], yaml.MapItem{Key: whole[last].Key, Value: kept}), nil
}

// named is what the API is called where API Gateway lists it.
func named(info yaml.MapSlice, api string) yaml.MapSlice {
	for i := range info {
		if info[i].Key == "title" {
			info[i].Value = "Keyward, for " + strings.ToLower(strings.TrimSuffix(api, "Api")) + map[string]string{Machines: "s"}[api]
		}
	}
	return info
}

func pathsOf(all yaml.MapSlice, api string) yaml.MapSlice {
	routes := map[string]bool{}
	for _, o := range Operations() {
		routes[o.Route] = o.API == api
	}
	var kept yaml.MapSlice
	for _, path := range all {
		var methods yaml.MapSlice
		for _, m := range path.Value.(yaml.MapSlice) {
			if !routes[strings.ToUpper(fmt.Sprint(m.Key))+" "+fmt.Sprint(path.Key)] {
				continue
			}
			m.Value = append(m.Value.(yaml.MapSlice), integration(functions[api]))
			methods = append(methods, m)
		}
		if len(methods) > 0 {
			kept = append(kept, yaml.MapItem{Key: path.Key, Value: methods})
		}
	}
	return kept
}

func integration(function string) yaml.MapItem {
	return pair("x-amazon-apigateway-integration", object{
		pair("type", "aws_proxy"), pair("httpMethod", "POST"), pair("payloadFormatVersion", "2.0"),
		pair("uri", object{pair("Fn::Sub", "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${"+function+".Arn}/invocations")}),
	})
}

// ordered writes mappings in their order.
type ordered struct{ value any }

// MarshalJSON is the value as it stands.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	write := func(v any) error {
		text, err := json.Marshal(v)
		b.Write(text)
		return err
	}
	switch v := o.value.(type) {
	case yaml.MapSlice:
		b.WriteByte('{')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := write(fmt.Sprint(item.Key)); err != nil {
				return nil, err
			}
			b.WriteByte(':')
			if err := write(ordered{item.Value}); err != nil {
				return nil, err
			}
		}
		b.WriteByte('}')
		return b.Bytes(), nil
	case []any:
		all := make([]ordered, len(v))
		for i, item := range v {
			all[i] = ordered{item}
		}
		return json.Marshal(all)
	default:
		return json.Marshal(v)
	}
}
