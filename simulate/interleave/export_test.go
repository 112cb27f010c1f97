package interleave

// ExploreAwake is Explore without sleep sets.
func ExploreAwake(build func() Scene) Result {
	return explore(&explorer{build: build, awake: true, most: -1})
}
