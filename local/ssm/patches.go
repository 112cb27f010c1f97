package ssm

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// describeInstancePatchStates tells of the named nodes that were scanned; the others are left out, as AWS
// does.
func (s *SSM) describeInstancePatchStates(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		InstanceIDs []string `json:"InstanceIds"`
		MaxResults  *int
		NextToken   string
	}](r)
	if err != nil {
		return nil, err
	}
	if len(in.InstanceIDs) > 50 {
		return nil, constraint("instanceIds", in.InstanceIDs, "have length less than or equal to 50")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []any{}
	for _, id := range s.nodeIDs() {
		if n := s.nodes[id]; n.Patches != nil && slices.Contains(in.InstanceIDs, id) {
			found = append(found, n.patchState())
		}
	}
	page, next, err := cut(found, "patches", in.NextToken, in.MaxResults, bounds{least: 10, most: 100, usual: 50})
	if err != nil {
		return nil, err
	}
	return paged("InstancePatchStates", page, next), nil
}

func (n *Node) patchState() map[string]any {
	p := n.Patches
	return map[string]any{
		"InstanceId": n.ID, "PatchGroup": "", "BaselineId": "pb-0123456789abcdef0", "SnapshotId": "11111111-2222-3333-4444-555555555555",
		"Operation": "Scan", "OperationStartTime": wire.Time{Time: p.Ended.Add(-time.Minute)}, "OperationEndTime": wire.Time{Time: p.Ended},
		"InstalledCount": p.Installed, "InstalledOtherCount": 0, "InstalledPendingRebootCount": p.RebootPending, "InstalledRejectedCount": 0,
		"MissingCount": p.Missing, "FailedCount": p.Failed, "UnreportedNotApplicableCount": 0, "NotApplicableCount": 0,
		"CriticalNonCompliantCount": p.Critical, "SecurityNonCompliantCount": p.Security, "OtherNonCompliantCount": 0, "RebootOption": "NoReboot",
	}
}
