package ses

import (
	"path"
	"slices"
	"strings"
)

type attachment struct {
	FileName                string
	RawContent              []byte
	ContentType             string
	ContentDescription      string
	ContentDisposition      string
	ContentID               string `json:"ContentId"`
	ContentTransferEncoding string
}

// unsupported are extensions that SES does not take as attachments: "Unsupported attachment types in
// Amazon SES", of which these are what people try.
var unsupported = []string{".bat", ".cer", ".cmd", ".com", ".cpl", ".crt", ".der", ".dll", ".exe", ".hta", ".jar", ".js", ".lnk", ".msi", ".ps1", ".reg", ".scr", ".vbs", ".wsf"}

func (a attachment) check() error {
	switch {
	case a.FileName == "" || strings.ContainsAny(a.FileName, "\r\n"):
		return bad("FileName of an attachment must be given.")
	case slices.Contains(unsupported, strings.ToLower(path.Ext(a.FileName))):
		return bad("The attachment %q is of a type that is not supported.", a.FileName)
	case a.ContentDisposition != "" && a.ContentDisposition != "ATTACHMENT" && a.ContentDisposition != "INLINE":
		return bad("ContentDisposition %q is not known.", a.ContentDisposition)
	case !slices.Contains([]string{"", "BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT"}, a.ContentTransferEncoding):
		return bad("ContentTransferEncoding %q is not known.", a.ContentTransferEncoding)
	}
	return nil
}
