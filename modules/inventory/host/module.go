package host

import "oms/platform/module"

// Module is the inventory module.
var Module = module.Module{Name: "inventory", URL: "https://localhost:9091"}
