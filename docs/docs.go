// Package docs carries what of the documentation is served: the description of the APIs.
package docs

import _ "embed"

// OpenAPI is openapi.yaml.
//
//go:embed openapi.yaml
var OpenAPI string
