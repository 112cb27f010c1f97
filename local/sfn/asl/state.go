package asl

import (
	"time"

	"github.com/keyward/keyward/local/sfn/expression"
)

// The types of states.
const (
	Task    = "Task"
	Wait    = "Wait"
	Pick    = "Choice"
	Pass    = "Pass"
	Succeed = "Succeed"
	Fail    = "Fail"
)

// LambdaInvoke is the only task that is here.
const LambdaInvoke = "arn:aws:states:::lambda:invoke"

// State is one state. Fields that its type does not have are zero.
type State struct {
	Name    string
	Type    string
	Comment string
	Next    string // "" when the execution ends here
	Default string // Choice
	Choices []Choice
	Timeout time.Duration // Task; 0 means none
	Retry   []Retrier
	Catch   []Catcher

	inputPath, outputPath, resultPath *expression.Path
	parameters, selector              *expression.Template
	result                            *any // Pass
	wait                              waiting
	errorText, causeText              expression.Expression // Fail
}

func parseState(name string, r *reader) *State {
	s := &State{Name: name, Type: read[string](r, "Type"), Comment: read[string](r, "Comment")}
	if language, ok := optional[string](r, "QueryLanguage"); ok && language != "JSONPath" {
		r.problem("QueryLanguage", "keyward local knows JSONPath alone, found %q", language)
	}
	parse, ok := map[string]func(*reader){
		Task: s.task, Wait: s.waits, Pick: s.choice, Pass: s.pass, Succeed: s.paths, Fail: s.fails,
	}[s.Type]
	if !ok {
		r.problem("Type", "keyward local does not know the type %q", s.Type)
		return s
	}
	parse(r)
	r.end()
	return s
}

func (s *State) paths(r *reader) {
	s.inputPath, s.outputPath = r.path("InputPath"), r.path("OutputPath")
}

func (s *State) leads(r *reader) {
	end := read[bool](r, "End")
	s.Next = read[string](r, "Next")
	if end == (s.Next != "") {
		r.problem("Next", "expected either it or End: true")
	}
}

func (s *State) pass(r *reader) {
	s.paths(r)
	s.leads(r)
	s.parameters, s.resultPath = r.template("Parameters"), r.resultPath()
	if raw, ok := r.take("Result"); ok {
		v, err := expression.Decode(raw)
		if err != nil {
			r.problem("Result", "%v", err)
		}
		s.result = &v
	}
}

func (s *State) task(r *reader) {
	s.paths(r)
	s.leads(r)
	if resource := read[string](r, "Resource"); resource != LambdaInvoke {
		r.problem("Resource", "keyward local knows %s alone, found %q", LambdaInvoke, resource)
	}
	s.parameters, s.selector, s.resultPath = r.template("Parameters"), r.template("ResultSelector"), r.resultPath()
	s.checkInvocation(r)
	s.Timeout = time.Duration(r.number("TimeoutSeconds", 1, maxSeconds, 0)) * time.Second
	s.Retry, s.Catch = parseRetry(r), parseCatch(r)
}

// checkInvocation refuses what lambda:invoke can do on AWS and not here.
func (s *State) checkInvocation(r *reader) {
	named := false
	if s.parameters != nil {
		for _, name := range s.parameters.Names() {
			switch name {
			case "FunctionName":
				named = true
			case "Payload":
			default:
				r.problem("Parameters", "keyward local does not know %q of lambda:invoke", name)
			}
		}
	}
	if !named {
		r.problem("Parameters", "expected FunctionName")
	}
}

func (s *State) choice(r *reader) {
	s.paths(r)
	s.Default = read[string](r, "Default")
	for _, below := range r.list("Choices") {
		s.Choices = append(s.Choices, parseChoice(below))
	}
	if len(s.Choices) == 0 {
		r.problem("Choices", "expected a list that is not empty")
	}
}

func (s *State) fails(r *reader) {
	s.errorText, s.causeText = textOr(r, "Error"), textOr(r, "Cause")
}

// textOr takes a text, or an expression from the field of that name with Path behind it.
func textOr(r *reader, name string) expression.Expression {
	fixed, ok := optional[string](r, name)
	dynamic := r.has(name + "Path")
	if ok && dynamic {
		r.problem(name, "expected it or %sPath, found both", name)
	}
	if !dynamic {
		return expression.Literal(fixed)
	}
	e, err := expression.Parse(read[string](r, name+"Path"))
	if err != nil {
		r.problem(name+"Path", "%v", err)
	}
	return e
}

// Effective is what the state works on: its input after InputPath and Parameters.
func (s *State) Effective(in Scope) (any, *Error) {
	v, err := s.inputPath.Selected(in)
	if err != nil || s.parameters == nil {
		return v, err
	}
	return s.parameters.Eval(Scope{Input: v, Context: in.Context})
}

// Output is what the state hands on: its result after ResultSelector and ResultPath, put into the
// state's input as it came, and after OutputPath.
func (s *State) Output(in Scope, result any) (any, *Error) {
	if s.selector != nil {
		var err *Error
		if result, err = s.selector.Eval(Scope{Input: result, Context: in.Context}); err != nil {
			return nil, err
		}
	}
	combined := result
	if s.Type == Task || s.Type == Pass {
		var err *Error
		if combined, err = s.resultPath.Put(in.Input, result); err != nil {
			return nil, err
		}
	}
	out, err := s.outputPath.Selected(Scope{Input: combined, Context: in.Context})
	if err == nil && len(expression.Encode(out)) > MaxData {
		err = tooLarge(s)
	}
	return out, err
}

func tooLarge(s *State) *Error {
	return expression.Fail(DataLimitExceeded, "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", s.Name)
}

// Passed is the result of a Pass state.
func (s *State) Passed(effective any) any {
	if s.result != nil {
		return *s.result
	}
	return effective
}

// Choose is the name of the state that a Choice leads to.
func (s *State) Choose(effective Scope) (string, *Error) {
	for _, c := range s.Choices {
		matched, err := c.rule(effective)
		if err != nil {
			return "", err
		}
		if matched {
			return c.Next, nil
		}
	}
	if s.Default == "" {
		return "", noChoice(s.Name)
	}
	return s.Default, nil
}

// Failure is how a Fail state ends the execution.
func (s *State) Failure(in Scope) *Error {
	name, err := s.errorText.Value("ErrorPath", in)
	if err != nil {
		return err
	}
	cause, err := s.causeText.Value("CausePath", in)
	if err != nil {
		return err
	}
	nameText, first := name.(string)
	causeText, second := cause.(string)
	if !first || !second {
		return expression.Fail(Runtime, "The ErrorPath and CausePath of state '%s' must lead to strings", s.Name)
	}
	return &Error{Name: nameText, Cause: causeText}
}

// targets are the states that may follow, with the field that says so.
func (s *State) targets() map[string]string {
	to := map[string]string{}
	for _, c := range s.Choices {
		to[c.Next] = "Choices"
	}
	for _, c := range s.Catch {
		to[c.Next] = "Catch"
	}
	to[s.Next], to[s.Default] = "Next", "Default"
	delete(to, "")
	return to
}
