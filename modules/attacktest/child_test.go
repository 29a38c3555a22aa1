package attacktest

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
)

// child is a process of this test binary that is something else than the attackers. It takes orders and gives answers in JSON,
// and ends with its input.
type child struct {
	d       *deployment
	what    string
	command *exec.Cmd
	input   io.WriteCloser
	answers *json.Decoder
}

// begin starts a child with what it needs; as is the variable that tells it what it is.
func (d *deployment) begin(as, what string, needs any) *child {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	c := &child{d: d, what: what, command: firstInLine(self)}
	c.command.Env, c.command.Stderr = append(os.Environ(), as+"=1"), os.Stderr
	if c.input, err = c.command.StdinPipe(); err != nil {
		d.t.Fatal(err)
	}
	output, err := c.command.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	c.answers = json.NewDecoder(output)
	if err := c.command.Start(); err != nil {
		d.t.Fatal(err)
	}
	c.order(needs)
	return c
}

func (c *child) order(value any) { c.judge(json.NewEncoder(c.input).Encode(value)) }

func (c *child) answer(value any) { c.judge(c.answers.Decode(value)) }

// end has no more orders; the last answer, where there is one, is what last becomes.
func (c *child) end(last any) {
	_ = c.input.Close()
	if last != nil {
		c.answer(last)
	}
	c.judge(c.command.Wait())
}

func (c *child) judge(err error) {
	if err != nil {
		c.d.t.Errorf("%s: %v", c.what, err)
	}
}
