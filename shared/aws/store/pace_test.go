package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/record"
)

func TestPace(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const bucket = pace.DisableKey
	same(t, "Used of a bucket that never was", time.Time{})(p.Used(t.Context(), bucket))
	must(t, p.Use(t.Context(), bucket, time.Time{}, noon.Add(400*time.Millisecond)))
	same(t, "Used", noon.Add(400*time.Millisecond))(p.Used(t.Context(), bucket))
	for _, old := range []time.Time{{}, noon} {
		awstest.Wrapped(t, p.Use(t.Context(), bucket, old, noon.Add(time.Hour)), fault.Conflict, "taking a turn of disable-key: ")
	}
	must(t, p.Use(t.Context(), bucket, noon.Add(400*time.Millisecond), noon.Add(800*time.Millisecond)))
	same(t, "Used of another bucket", time.Time{})(p.Used(t.Context(), pace.EnableKey))

	row := p.row(t, "pace#disable-key", "used")
	row["until"] = &types.AttributeValueMemberS{Value: "soon"}
	_, err := p.sdk.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: row})
	must(t, err)
	_, err = p.Used(t.Context(), bucket)
	awstest.Wrapped(t, err, fault.Internal, "its until is no number")
}

func TestTurns(t *testing.T) {
	t.Parallel()
	p := begin(t)
	turn := func(bucket string, failed int, machine string, until time.Time) string {
		o := pace.Order(failed, noon, machine)
		must(t, p.Queue(t.Context(), record.Turn{Bucket: bucket, Order: o, Until: until}))
		return o
	}
	first := turn(pace.DisableKey, 3, "i-9", noon.Add(time.Minute))
	second := turn(pace.DisableKey, 1, "i-1", noon.Add(time.Minute))
	third := turn(pace.DisableKey, 1, "i-2", noon.Add(time.Minute))
	turn(pace.EnableKey, 9, "i-0", noon.Add(time.Minute))
	must(t, p.Use(t.Context(), pace.DisableKey, time.Time{}, noon)) // no turn
	for order, want := range map[string]int{first: 0, second: 1, third: 2, pace.Order(0, noon, "i-3"): 3} {
		same(t, "Ahead of "+order, want)(p.Ahead(t.Context(), pace.DisableKey, order, noon))
	}
	same(t, "Ahead once their time is over", 0)(p.Ahead(t.Context(), pace.DisableKey, third, noon.Add(time.Minute)))
	turn(pace.DisableKey, 3, "i-9", noon) // does not wait any more
	same(t, "Ahead of the third", 1)(p.Ahead(t.Context(), pace.DisableKey, third, noon))
	turn(pace.DisableKey, 1, "i-1", noon.Add(time.Minute)) // asked again: one place
	same(t, "Ahead of the third", 1)(p.Ahead(t.Context(), pace.DisableKey, third, noon))
}

// Many take tokens at the same moment: none is given twice.
func TestManyTakeTurns(t *testing.T) {
	t.Parallel()
	p := begin(t)
	b := pace.Half(pace.DisableKey, 20)
	var mu sync.Mutex
	var wait sync.WaitGroup
	granted, failed := 0, []error{}
	for range 40 {
		wait.Go(func() {
			for {
				used, err := p.Used(t.Context(), b.Name)
				until, ok := b.Take(used, noon, 1)
				if err == nil && ok {
					if err = p.Use(t.Context(), b.Name, used, until); fault.Is(err, fault.Conflict) {
						continue
					}
				}
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = append(failed, err)
				} else if ok {
					granted++
				}
				return
			}
		})
	}
	wait.Wait()
	if granted != b.Burst || len(failed) > 0 {
		t.Errorf("%d turns at once, want %d; %s", granted, b.Burst, fmt.Sprint(failed))
	}
}
