package gateway

import "oms/platform/module"

// Module is the gateway, the only module that is reached from outside.
var Module = module.Module{Name: Name, URL: "https://localhost:9090", Public: true}
