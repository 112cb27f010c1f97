package contract_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/drill"
)

func allowed(r role) map[string]bool {
	all := map[string]bool{}
	for _, s := range r.Statements {
		for _, a := range s.Actions {
			if s.Effect == "Allow" {
				all[a] = true
			}
		}
	}
	return all
}

func everyCallIsAllowedAndNothingElse(t testing.TB, s stack) {
	for f, r := range s.deployed(t) {
		calls, may := needed(t, f), allowed(r)
		maps.Copy(calls, polled(s, t, r.LogicalID))
		for _, action := range sortedSet(calls) {
			if !may[action] {
				t.Errorf("functions/%s calls what needs %s, and template.yaml does not allow it to %s", f, action, r.LogicalID)
			}
		}
		for _, action := range sortedSet(may) {
			if !calls[action] {
				t.Errorf("template.yaml allows %s to %s, and functions/%s calls nothing that needs it", action, r.LogicalID, f)
			}
		}
	}
}

// keepers are who may do what to keys, and nobody else may.
var keepers = map[string][]string{
	"kms:DisableKey":  {"RevokeFunction"},
	"kms:RevokeGrant": {"RevokeFunction"},
	"kms:EnableKey":   {"RestoreFunction"},
	"kms:CreateGrant": {"RequestFunction", "RestoreFunction"},

	"kms:GenerateDataKeyWithoutPlaintext": {"DrillFunction"},
}

// readOnly are the permissions on keys that change nothing.
var readOnly = []string{"kms:DescribeKey", "kms:GetKeyLastUsage", "kms:GetKeyPolicy", "kms:ListAliases", "kms:ListGrants", "kms:ListResourceTags"}

// The conditions that IAM itself checks: Keyward may change keys and reach machines alone that opted in.
// SendCommand has a key of its own
// (docs.aws.amazon.com/systems-manager/latest/userguide/security_iam_service-with-iam.html).
const (
	guardedKey     = "aws:ResourceTag/keyward:guarded true"
	guardedMachine = "ssm:resourceTag/keyward:guarded true"
)

func (s stack) roles(t testing.TB) []role {
	t.Helper()
	return slices.Concat(s.of(t, "AWS::Serverless::Function"), s.of(t, "AWS::Serverless::StateMachine"), s.of(t, "AWS::IAM::Role"))
}

func whoMayDoWhatToKeys(t testing.TB, s stack) {
	holders := map[string][]string{}
	for _, r := range append(s.roles(t), s.of(t, "AWS::IAM::ManagedPolicy")...) {
		for _, st := range r.Statements {
			for _, action := range st.Actions {
				if st.Effect != "Allow" {
					continue
				}
				if strings.Contains(action, "*") {
					t.Errorf("template.yaml: %s allows %s by %s: name each action", r.LogicalID, action, st.Sid)
				}
				if !strings.HasPrefix(action, "kms:") || slices.Contains(readOnly, action) {
					continue
				}
				holders[action] = append(holders[action], r.LogicalID)
				if !strings.Contains(short(st.Condition), guardedKey) {
					t.Errorf("template.yaml: %s may %s by %s on keys without the tag keyward:guarded = true", r.LogicalID, action, st.Sid)
				}
			}
		}
	}
	for _, action := range slices.Sorted(maps.Keys(holders)) {
		slices.Sort(holders[action])
		if want := keepers[action]; !slices.Equal(holders[action], want) {
			t.Errorf("template.yaml allows %s to %v, want %v: in this stack nobody else may", action, holders[action], want)
		}
	}
	for action, want := range keepers {
		if len(holders[action]) == 0 {
			t.Errorf("template.yaml allows %s to nobody, want %v", action, want)
		}
	}
}

// Whoever may create grants could grant itself the use of a key: the grantee, the operations and the
// encryption context are conditions, and every role carries a Deny.
func nobodyMayUseGuardedKeys(t testing.TB, s stack) {
	for _, r := range s.roles(t) {
		if !r.Denied && r.LogicalID != "DrillFunction" { // which has its own: theDrillUsesItsKeyAlone
			t.Errorf("template.yaml: %s does not carry NeverUseGuardedKeys", r.LogicalID)
		}
		for _, st := range r.Statements {
			if !slices.Contains(st.Actions, "kms:CreateGrant") {
				continue
			}
			for _, want := range []string{
				"kms:GrantConstraintType EncryptionContextSubset", "ForAllValues:StringEquals kms:GrantOperations Decrypt, GenerateDataKey",
				"kms:GranteePrincipal", "assumed-role/*/i-*", "assumed-role/*/mi-*",
			} {
				if !strings.Contains(short(st.Condition), want) {
					t.Errorf("template.yaml: %s may create grants without the condition %q: %s", r.LogicalID, want, short(st.Condition))
				}
			}
		}
	}
	deny := s.of(t, "AWS::IAM::ManagedPolicy")
	i := slices.IndexFunc(deny, func(r role) bool { return r.LogicalID == "NeverUseGuardedKeys" })
	if i < 0 {
		t.Fatal("template.yaml has no NeverUseGuardedKeys")
	}
	st := deny[i].Statements[0]
	if st.Effect != "Deny" || !slices.Equal(st.Actions, []string{"kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"}) || !slices.Equal(st.Resources, []string{"*"}) {
		t.Errorf("NeverUseGuardedKeys = %+v", st)
	}
}

// The drill's function tries the drill's key, and no key of a machine, whatever tags and aliases somebody
// moves: both have to say that it is the drill's. It decrypts nothing, and reads no other key.
func theDrillUsesItsKeyAlone(t testing.TB, s stack) {
	i := slices.IndexFunc(s.roles(t), func(r role) bool { return r.LogicalID == "DrillFunction" })
	if i < 0 {
		t.Fatal("template.yaml has no DrillFunction")
	}
	const own = "ForAnyValue:StringEquals kms:ResourceAliases alias/${AWS::StackName}-drill"
	denied := map[string]string{}
	for _, st := range s.roles(t)[i].Statements {
		kms := slices.DeleteFunc(slices.Clone(st.Actions), func(a string) bool { return !strings.HasPrefix(a, "kms:") })
		condition := short(st.Condition)
		switch {
		case len(kms) == 0:
		case st.Effect == "Deny":
			for _, a := range kms {
				denied[a] = condition
			}
		case !strings.Contains(condition, own):
			t.Errorf("template.yaml: DrillFunction may %v by %s on other keys than the drill's: %s", kms, st.Sid, condition)
		case slices.ContainsFunc(kms, func(a string) bool { return !slices.Contains(readOnly, a) }):
			for _, want := range []string{"aws:ResourceTag/keyward:drill true", "kms:EncryptionContext:keyward:machine " + drill.Machine} {
				if !strings.Contains(condition, want) {
					t.Errorf("template.yaml: DrillFunction may %v by %s without %q", kms, st.Sid, want)
				}
			}
		}
	}
	want := map[string]string{
		"kms:Decrypt": "StringEquals " + guardedKey, "kms:ReEncrypt*": "StringEquals " + guardedKey,
		"kms:GenerateDataKey*": "StringEquals " + guardedKey + "; StringNotEquals aws:ResourceTag/keyward:drill true",
	}
	if !maps.Equal(denied, want) {
		t.Errorf("template.yaml denies DrillFunction %v, want %v", denied, want)
	}
	text := short(at(keyOf(t, s, "DrillKey").Properties, "KeyPolicy"))
	for _, never := range []string{"ScheduleKeyDeletion", "kms:*", "Decrypt", "CreateGrant", "kms:GenerateDataKey,"} {
		if strings.Contains(text, never) {
			t.Errorf("template.yaml: the policy of the drill's key says %s", never)
		}
	}
}

// keyOf is one of the stack's keys: the drill's and the table's are all.
func keyOf(t testing.TB, s stack, id string) role {
	t.Helper()
	var found role
	var ids []string
	for _, k := range s.of(t, "AWS::KMS::Key") {
		ids = append(ids, k.LogicalID)
		if k.LogicalID == id {
			found = k
		}
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"DataKey", "DrillKey"}) {
		t.Fatalf("template.yaml has the keys %v, want the drill's and the table's", ids)
	}
	return found
}

// The key of the table is used through DynamoDB alone, outlives the stack as the table does, and can neither be deleted
// by whom its policy names nor become a guarded key, which would close the table to every function.
func theKeyOfTheTable(t testing.TB, s stack) {
	k := keyOf(t, s, "DataKey")
	statements := list(at(k.Properties, "KeyPolicy", "Statement"))
	if len(statements) != 3 {
		t.Fatalf("template.yaml: the policy of the table's key has %d statements, want 3", len(statements))
	}
	for _, st := range statements {
		text, condition := short(at(st, "Action")), short(at(st, "Condition"))
		uses := strings.Contains(text, "crypt") || strings.Contains(text, "GenerateDataKey") || strings.Contains(text, "CreateGrant")
		switch sid := short(at(st, "Sid")); {
		case strings.Contains(text, "kms:*") || strings.Contains(text, "Deletion"):
			t.Errorf("template.yaml: %s lets somebody delete the table's key: %s", sid, text)
		case uses && (!strings.Contains(condition, "kms:ViaService") || !strings.Contains(condition, "kms:CallerAccount")):
			t.Errorf("template.yaml: %s lets others than DynamoDB for this account use the table's key: %s", sid, condition)
		case at(st, "Effect") == "Deny" && (text != "kms:TagResource" || !strings.Contains(condition, "aws:RequestTag/keyward:guarded")):
			t.Errorf("template.yaml: %s denies %s if %s, want kms:TagResource with keyward:guarded", sid, text, condition)
		}
	}
	for _, r := range s.resources {
		if r.key != "DataKey" && r.key != "Table" {
			continue
		}
		if got := short(at(r.value, "DeletionPolicy")) + short(at(r.value, "UpdateReplacePolicy")); got != "RetainRetain" {
			t.Errorf("template.yaml: %s is deleted with the stack: %s", r.key, got)
		}
		if r.key == "Table" && !strings.Contains(short(at(r.value, "Properties", "SSESpecification")), "DataKey") {
			t.Error("template.yaml: the table is not encrypted with DataKey")
		}
	}
}

// A command reaches machines that opted in, and is our own document.
func whatMayBeSentWhere(t testing.TB, s stack) {
	for _, r := range s.roles(t) {
		for _, st := range r.Statements {
			if !slices.Contains(st.Actions, "ssm:SendCommand") {
				continue
			}
			document := slices.Equal(st.Resources, []string{"ssm:document/${InspectDocument}"}) ||
				r.LogicalID == "SafeguardFunction" && slices.Equal(st.Resources, []string{"ssm:document/${LockDocument}"})
			if !document && !strings.Contains(short(st.Condition), guardedMachine) {
				t.Errorf("template.yaml: %s may send commands to %v by %s without the tag", r.LogicalID, st.Resources, st.Sid)
			}
		}
	}
}

var (
	everything = regexp.MustCompile(`^\s*Resource: "\*"`)
	wide       = regexp.MustCompile(`^\s+(Resource:|-) .*[/:]\*`)
	sid        = regexp.MustCompile(`^\s+- Sid: `)
)

// A wide resource is there because the API knows no narrower one, or what it will be called is not known, and says so. Where a
// condition narrows it, that says enough, and so do the paths of HTTP APIs.
func wideResourcesSayWhy(t testing.TB, s stack) {
	lines := strings.Split(s.text, "\n")
	for i, line := range lines {
		if strings.Contains(line, " # ") {
			continue
		}
		if everything.MatchString(line) {
			t.Errorf("template.yaml:%d: Resource: \"*\" without a comment that names the reason", i+1)
		} else if wide.MatchString(line) && !strings.Contains(line, "execute-api:") {
			if in := statementAt(lines, i); in != "" && !strings.Contains(in, "Condition:") {
				t.Errorf("template.yaml:%d: a resource with * and neither a condition nor a comment that names the reason", i+1)
			}
		}
	}
}

// statementAt is the statement of a policy that a line is in, "" outside of all.
func statementAt(lines []string, i int) string {
	indent := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	for first := i - 1; first >= 0; first-- {
		if !sid.MatchString(lines[first]) || indent(lines[first]) >= indent(lines[i]) {
			continue
		}
		last := first + 1
		for last < len(lines) && (lines[last] == "" || indent(lines[last]) > indent(lines[first])) {
			last++
		}
		if i >= last {
			return ""
		}
		return strings.Join(lines[first:last], "\n")
	}
	return ""
}

// The state machine may invoke exactly what it names.
func whatTheStateMachineMayInvoke(t testing.TB, s stack) {
	machine := s.of(t, "AWS::Serverless::StateMachine")[0]
	var want, got []string
	for _, e := range at(machine.Properties, "DefinitionSubstitutions").([]entry) {
		want = append(want, short(e.value))
	}
	for _, st := range machine.Statements {
		for _, a := range st.Actions {
			switch {
			case a == "lambda:InvokeFunction":
				got = append(got, st.Resources...)
			case !strings.HasPrefix(a, "logs:"):
				t.Errorf("template.yaml: the state machine may %s", a)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the state machine may invoke %v, and names %v", got, want)
	}
}
