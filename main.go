// Command app is an order management system whose services trust each other by JWT: gateway, security token service,
// orders and inventory in one binary. README.md shows how to run it.
package main

import (
	_ "embed"
	"os"

	"oms/modules/command"
)

//go:embed config.yaml
var configuration []byte

func main() {
	os.Exit(command.Main(os.Args[1:], configuration))
}
