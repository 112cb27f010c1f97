package events_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/local/events"
)

const event = `{"source": "aws.ssm", "detail-type": "EC2 Command Status-change Notification", "resources": ["arn:a", "arn:b"], "empty": [],
	"detail": {"status": "Success", "count": 3, "ratio": 300.0, "on": true, "none": null, "tags": [{"k": "tier", "v": "web"}, {"k": "x"}], "deep": {"er": "x"}}}`

func TestPattern(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		`{"source": ["aws.ssm"]}`:                                                     true,
		`{"source": ["aws.ec2", "aws.ssm"]}`:                                          true,
		`{"source": ["aws.ec2"]}`:                                                     false,
		`{"source": ["aws.ssm"], "detail": {"status": ["Failed"]}}`:                   false,
		`{"source": ["aws.ssm"], "detail": {"status": ["Success", "TimedOut"]}}`:      true,
		`{"detail": {"deep": {"er": ["x"]}}}`:                                         true,
		`{"detail": {"missing": {"er": ["x"]}}}`:                                      false,
		`{"detail": {"missing": {"er": [{"exists": false}]}}}`:                        true,
		`{"resources": ["arn:b"]}`:                                                    true,
		`{"resources": ["arn:c"]}`:                                                    false,
		`{"detail": {"count": [3]}}`:                                                  true,
		`{"detail": {"count": ["3"]}}`:                                                false,
		`{"detail": {"ratio": [300]}}`:                                                false,
		`{"detail": {"ratio": [300.0]}}`:                                              true,
		`{"detail": {"on": [true]}}`:                                                  true,
		`{"detail": {"on": [false]}}`:                                                 false,
		`{"detail": {"none": [null]}}`:                                                true,
		`{"detail": {"missing": [null]}}`:                                             false,
		`{"source": [{"prefix": "aws."}]}`:                                            true,
		`{"source": [{"prefix": "ssm"}]}`:                                             false,
		`{"detail": {"count": [{"prefix": "3"}]}}`:                                    false,
		`{"source": [{"suffix": ".ssm"}]}`:                                            true,
		`{"source": [{"suffix": "aws"}]}`:                                             false,
		`{"source": [{"equals-ignore-case": "AWS.SSM"}]}`:                             true,
		`{"source": [{"anything-but": "aws.ssm"}]}`:                                   false,
		`{"source": [{"anything-but": ["aws.ec2", "aws.kms"]}]}`:                      true,
		`{"source": [{"anything-but": {"prefix": "aws."}}]}`:                          false,
		`{"source": [{"anything-but": {"suffix": "x"}}]}`:                             true,
		`{"source": [{"anything-but": {"equals-ignore-case": "AWS.SSM"}}]}`:           false,
		`{"detail": {"count": [{"anything-but": 4}]}}`:                                true,
		`{"detail": {"missing": [{"anything-but": 4}]}}`:                              false,
		`{"detail": {"count": [{"numeric": ["=", 3]}]}}`:                              true,
		`{"detail": {"count": [{"numeric": [">", 0, "<=", 3]}]}}`:                     true,
		`{"detail": {"count": [{"numeric": [">", 3]}]}}`:                              false,
		`{"detail": {"count": [{"numeric": [">=", 3, "<", 3.5]}]}}`:                   true,
		`{"detail": {"count": [{"numeric": ["<", 3]}]}}`:                              false,
		`{"detail": {"status": [{"numeric": [">", 0]}]}}`:                             false,
		`{"detail": {"missing": [{"numeric": ["=", 0]}]}}`:                            false,
		`{"detail": {"status": [{"exists": true}]}}`:                                  true,
		`{"detail": {"status": [{"exists": false}]}}`:                                 false,
		`{"detail": {"missing": [{"exists": true}]}}`:                                 false,
		`{"detail": {"missing": [{"exists": false}]}}`:                                true,
		`{"detail": {"deep": [{"exists": true}]}}`:                                    false,
		`{"empty": [{"exists": true}]}`:                                               false,
		`{"detail": {"tags": {"k": ["tier"], "v": ["web"]}}}`:                         true,
		`{"detail": {"tags": {"k": ["x"], "v": ["web"]}}}`:                            false,
		`{"$or": [{"source": ["x"]}, {"detail": {"count": [3]}}]}`:                    true,
		`{"$or": [{"source": ["x"]}, {"detail": {"count": [4]}}]}`:                    false,
		`{"source": ["aws.ec2"], "$or": [{"source": ["aws.ssm"]}, {"empty": ["x"]}]}`: false,
		`{"detail": {"$or": [{"count": [9]}, {"status": ["Success"]}]}}`:              true,
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			p, err := events.ParsePattern([]byte(pattern))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Matches([]byte(event)); got != want {
				t.Errorf("%s matches = %v, want %v", pattern, got, want)
			}
			if p.Matches([]byte("no JSON")) {
				t.Errorf("%s matches what is no JSON", pattern)
			}
		})
	}
}

func TestPatternRefuses(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		``:                                      "EOF",
		`[]`:                                    "want a JSON object",
		`{}`:                                    "the pattern: an empty object matches nothing",
		`{"a": ["x"]} {}`:                       "text behind its end",
		`{"a": "x"}`:                            "a: want a list or an object",
		`{"a": []}`:                             "a: an empty list matches nothing",
		`{"a": {"b": {}}}`:                      "a.b: an empty object matches nothing",
		`{"a": [["x"]]}`:                        "a list inside a list",
		`{"a": [{"wildcard": "*"}]}`:            `a: operator "wildcard" is not one that is here`,
		`{"a": [{"cidr": "10.0.0.0/8"}]}`:       `operator "cidr"`,
		`{"a": [{"prefix": "x", "suffix": 1}]}`: "want one operator, got 2",
		`{"a": [{"prefix": {"equals-ignore-case": "x"}}]}`: "prefix: want a string",
		`{"a": [{"exists": "yes"}]}`:                       "exists: want true or false",
		`{"a": [{"numeric": [">"]}]}`:                      "numeric: want a list",
		`{"a": [{"numeric": ["!", 1]}]}`:                   "numeric: ! 1 is not a comparison",
		`{"a": [{"numeric": ["=", 1, "<", 2]}]}`:           "numeric: = 1 is not a comparison",
		`{"a": [{"numeric": ["<", "2"]}]}`:                 "numeric: < 2 is not a comparison",
		`{"a": [{"anything-but": []}]}`:                    "anything-but: an empty list",
		`{"a": [{"anything-but": [null]}]}`:                "anything-but: null",
		`{"a": [{"anything-but": [["x"]]}]}`:               "anything-but: a list inside a list",
		`{"a": [{"anything-but": {"wildcard": "x"}}]}`:     `anything-but: operator "wildcard"`,
		`{"a": [{"anything-but": {}}]}`:                    "anything-but: want one operator, got 0",
		`{"$or": {"a": ["x"]}}`:                            "$or: want a list of at least two objects",
		`{"$or": [{"a": ["x"]}, "b"]}`:                     "$or: want a list of objects",
		`{"$or": [{"a": ["x"]}, {}]}`:                      "an empty object matches nothing",
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			_, err := events.ParsePattern([]byte(pattern))
			if err == nil || !strings.HasPrefix(err.Error(), "reading event pattern: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("ParsePattern(%s) = %v, want %s", pattern, err, want)
			}
		})
	}
}

func FuzzPattern(f *testing.F) {
	f.Add(`{"source": [{"anything-but": {"prefix": "x"}}], "$or": [{"a": [1]}, {"b": [{"numeric": ["<", 1]}]}]}`, event)
	f.Add(`{"a": {"b": [{"exists": false}, null, true]}}`, `{"a": [[{"b": []}], 1]}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		if p, err := events.ParsePattern([]byte(pattern)); err == nil {
			p.Matches([]byte(event))
		}
	})
}
