package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (completionCommand) Help() string {
	return "Examples:\n  source <(keyward completion bash)\n  source <(keyward completion zsh)\n  keyward completion fish >~/.config/fish/completions/keyward.fish"
}

// completions are what each shell has to be told; it asks keyward itself for the words that fit.
var completions = map[string]string{
	"bash": `_keyward() {
  local IFS=$'\n'
  COMPREPLY=($(keyward complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _keyward keyward`,
	"zsh": `#compdef keyward
_keyward() {
  local -a fits
  fits=(${(f)"$(keyward complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  (( $#fits )) && compadd -- $fits || _files
}
compdef _keyward keyward`,
	"fish": `function __keyward_complete
  set -l words (commandline -opc) (commandline -ct)
  keyward complete -- $words[2..-1] 2>/dev/null
end
complete -c keyward -a '(__keyward_complete)'`,
}

func (a completionCommand) Run(p *show.Printer) error {
	fmt.Println(completions[a.Shell])
	return nil
}

// completeCommand is what shells ask: the words before the cursor, the last of which may be begun or empty.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (a completeCommand) Run(k *kong.Context) error {
	words := a.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, w := range fitting(k.Model.Node, words) {
		fmt.Println(w)
	}
	return nil
}

// fitting are the commands, flags and words of flags that can stand where the last word is, by name. Where a file, an id
// or a text is to be typed there are none.
func fitting(node *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	begun := words[len(words)-1]
	var flags []*kong.Flag
	var pending *kong.Flag // wants the next word
	flags = append(flags, node.Flags...)
	for _, w := range words[:len(words)-1] {
		switch {
		case pending != nil:
			pending = nil
		case strings.HasPrefix(w, "-"):
			pending = valued(flags, w)
		default:
			if at := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == w || slices.Contains(n.Aliases, w) }); at >= 0 {
				node = node.Children[at]
				flags = append(flags, node.Flags...)
			}
		}
	}
	var all []string
	switch {
	case pending != nil:
		all = enum(pending.Value)
	case strings.HasPrefix(begun, "-"):
		for _, f := range flags {
			if !f.Hidden {
				all = append(all, "--"+f.Name)
			}
		}
	default:
		for _, n := range node.Children {
			if !n.Hidden {
				all = append(all, n.Name)
			}
		}
		for _, p := range node.Positional {
			all = append(all, enum(p)...)
		}
	}
	all = slices.DeleteFunc(all, func(w string) bool { return !strings.HasPrefix(w, begun) })
	slices.Sort(all)
	return slices.Compact(all)
}

// valued is the flag that a word names when the next word is its value; nil when it has one already or needs none.
func valued(flags []*kong.Flag, word string) *kong.Flag {
	for _, f := range flags {
		if (word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short)) && !f.IsBool() {
			return f
		}
	}
	return nil
}

// enum are the words that a value is one of, where these are known.
func enum(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return slices.DeleteFunc(strings.Split(v.Enum, ","), func(w string) bool { return w == "" })
}
