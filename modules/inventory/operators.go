package inventory

import (
	"context"
	"fmt"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// Operators is what operators do with the stock, on the module's database, beside a server or without one. Errors are
// *fault.Error.
type Operators interface {
	// Import sets products as Put does, all of them or none. Errors: invalid_argument, and conflict out-of-stock where fewer
	// would be on hand than are reserved; each entry names its line.
	Import(context.Context, ImportRequest) (Imported, error)
	// Export gives all products, by category and code.
	Export(context.Context, ExportRequest) (Stock, error)
}

// ImportRequest sets products.
type ImportRequest struct {
	Lines []StockLine `json:"lines" minItems:"1" maxItems:"10000"`
}

// StockLine is a product and how many of it are on hand.
type StockLine struct {
	Category string   `json:"category" minLength:"1" maxLength:"64" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 64 characters, none of them a control character"`
	Code     string   `json:"code" minLength:"1" maxLength:"64" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 64 characters, none of them a control character"`
	Name     string   `json:"name" minLength:"1" maxLength:"200" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 200 characters, none of them a control character"`
	Price    PutPrice `json:"price"`
	OnHand   *int64   `json:"on_hand" minimum:"0" maximum:"1000000000"` // reserved or not
}

// Problems names the numbers that are missing, and lines about a product that an earlier one is about.
func (r *ImportRequest) Problems() (problems []fault.Field) {
	seen := map[[2]string]bool{}
	for i, line := range r.Lines {
		at := fmt.Sprintf("/lines/%d", i)
		problems = append(problems, missing(at, line.Price, line.OnHand)...)
		product := [2]string{line.Category, line.Code}
		if seen[product] {
			problems = append(problems, fault.Field{Code: fault.Repeated, Pointer: at + "/code", Detail: "is a product that an earlier line is about"})
		}
		seen[product] = true
	}
	return problems
}

// Imported says what an import has done: how many products are new, are other than before, and are as they were.
type Imported struct {
	Added   int64 `json:"added"`
	Changed int64 `json:"changed"`
	Same    int64 `json:"same"`
}

// ExportRequest asks for everything.
type ExportRequest struct{}

// Stock is every product, in full.
type Stock struct {
	Data []Product `json:"data"`
}

// The operations for operators: whoever may open the database of the inventory may perform them, and nobody else.
var (
	Import = rpc.Define(Operators.Import, rpc.ForOperators(rpc.Row{
		Name: "inventory.Import", Summary: "Set products, all of them or none.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument}, Conflicts: []fault.Kind{OutOfStock},
	}))
	Export = rpc.Define(Operators.Export, rpc.ForOperators(rpc.Row{
		Name: "inventory.Export", Summary: "List all products and their stock.",
		Retry: rpc.Idempotent,
	}))
)

// OperatorOperations is the table: one row for each method of [Operators].
var OperatorOperations = rpc.Table[Operators]{Import, Export}
