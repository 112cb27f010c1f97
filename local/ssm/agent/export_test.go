package agent

// WithNoexec makes a host believe what a test says about its mounts.
func (h *Host) WithNoexec(noexec func(string) bool) *Host {
	h.noexec = noexec
	return h
}
