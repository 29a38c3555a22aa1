// Package modules is the list of the modules that the system consists of. It does nothing with them.
package modules

import (
	"oms/modules/gateway"
	inventoryhost "oms/modules/inventory/host"
	orderhost "oms/modules/order/host"
	stshost "oms/modules/sts/host"
	"oms/platform/module"
)

// All are the modules. Their order means nothing.
var All = []module.Module{gateway.Module, stshost.Module, orderhost.Module, inventoryhost.Module}
