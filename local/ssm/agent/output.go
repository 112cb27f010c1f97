package agent

// The limits of what the agent keeps of a stream, in bytes with the suffix, and of the two together.
const (
	maxStream = 24000
	maxMerged = 2500

	streamCut = "--output truncated--"
	outputCut = "\n---Output truncated---"
	errorCut  = "\n---Error truncated----"
	errorHead = "\n----------ERROR-------\n"
)

// Output is one stream of a script: it takes everything and keeps what the agent would report. The
// zero value is empty.
type Output struct {
	head  []byte
	total int
}

// Write never fails; what is over the limit is counted and dropped, so that a script that prints
// without end costs no memory.
func (o *Output) Write(p []byte) (int, error) {
	o.total += len(p)
	if room := maxStream - len(o.head); room > 0 {
		o.head = append(o.head, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// String is the stream as reported, cut in the middle of a character if that is where the limit is.
// 24,000 bytes are cut already.
func (o *Output) String() string {
	if o.total < maxStream {
		return string(o.head)
	}
	return string(o.head[:maxStream-len(streamCut)]) + streamCut
}

// merge is the text that ListCommandInvocations shows: both streams in 2,500 bytes.
func merge(stdout, stderr string) string {
	head := ""
	if stderr != "" {
		head = errorHead
	}
	room := maxMerged - len(head)
	if len(stdout)+len(stderr) < room {
		return stdout + head + stderr
	}
	half := room / 2
	switch {
	case len(stdout) > half && len(stderr) > half:
		each := (room - len(outputCut) - len(errorCut)) / 2
		return stdout[:each] + outputCut + head + stderr[:each] + errorCut
	case len(stdout) < half:
		return stdout + head + stderr[:room-len(errorCut)-len(stdout)] + errorCut
	}
	return stdout[:max(0, room-len(outputCut)-len(stderr))] + outputCut + head + stderr
}

// valid turns each byte that is not UTF-8 into U+FFFD, as the agent's JSON does.
func valid(s string) string { return string([]rune(s)) }
