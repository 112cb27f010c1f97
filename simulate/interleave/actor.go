package interleave

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/keyward/keyward/simulate/world"
)

// actor is one invocation with what it knows.
type actor struct {
	inv   *world.Invocation
	knows map[string]seen // by call, since its task began
	over  bool
}

// seen is what the calls of one name showed: the first and the last of them, and how many there were. A handler
// that keeps more than that in mind would make this model blind; none does.
type seen struct {
	first, last uint64
	times       int
}

// hash is of what an actor is at and knows.
func (a *actor) hash() uint64 {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %t %s %s", a.inv.Function, a.over, a.inv.At, a.inv.Task)
	for _, call := range slices.Sorted(maps.Keys(a.knows)) {
		fmt.Fprintf(&b, " %s%v", call, a.knows[call])
	}
	return maphash.String(seed, b.String())
}
