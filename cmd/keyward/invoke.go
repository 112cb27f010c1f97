package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

type invokeCommand struct {
	Function string `arg:"" help:"Folder name of the function, such as inspect, or its whole name in a deployed stack."`
	Event    string `arg:"" help:"File with the event as JSON."`
}

func (invokeCommand) Help() string {
	return "It calls Lambda at AWS_ENDPOINT_URL if that is set, so that keyward local answers.\n\n" +
		"Example:\n  keyward invoke inspect events/inspect/scheduled.json"
}

func (a invokeCommand) Run(ctx context.Context, c *cli, p *show.Printer) error {
	event, err := os.ReadFile(a.Event)
	if err != nil {
		return &invalid{err}
	}
	if !json.Valid(event) {
		return &invalid{fmt.Errorf("%s: it is not JSON", a.Event)}
	}
	cfg, err := c.aws(ctx)
	if err != nil {
		return err
	}
	out, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(functionName(a.Function)), Payload: event})
	if err != nil {
		return fmt.Errorf("invoking %s: %w", a.Function, err)
	}
	fmt.Println(show.HarmlessJSON(string(out.Payload)))
	if out.FunctionError != nil {
		return errors.New("the function answered with an error")
	}
	return nil
}

// functionName turns a folder's name into the name that keyward local gives its function.
func functionName(name string) string {
	if strings.Contains(name, "-") {
		return name
	}
	return "keyward-" + strings.ToUpper(name[:1]) + name[1:] + "Function"
}
