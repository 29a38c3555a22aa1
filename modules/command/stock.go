package command

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"oms/modules/inventory"
	"oms/platform/fault"
	"oms/platform/money"
)

// stockColumns are those of a file of products, in the order in which they are written.
var stockColumns = []string{"category", "code", "name", "price", "currency", "on_hand"}

const stockHelp = "The file is CSV in UTF-8. Its first line names the columns, in any order: category, code, name, price (a decimal, such as 12.50), " +
	"currency (ISO 4217) and on_hand, which counts what is reserved for orders too. "

func (a *app) stock() *cobra.Command {
	return group("stock", "Set and write down the products and their stock",
		&cobra.Command{
			Use: "import FILE", Short: "Set products from a file (- is standard input), all of them or none", Args: oneFile, Example: "app stock import products.csv",
			Long: "Set products from a file (- is standard input), all of them or none; those that the file does not name stay as they are. " + stockHelp +
				"At most 10,000 products go into one file. It runs where the inventory's data directory is, beside a server or without one.",
			RunE: a.operateStock(importStock), ValidArgsFunction: cobra.FixedCompletions([]cobra.Completion{"csv"}, cobra.ShellCompDirectiveFilterFileExt),
		},
		&cobra.Command{
			Use: "export", Short: "Write all products to standard output, as import reads them", Args: noArguments, Example: "app stock export > products.csv",
			Long: "Write all products to standard output, as import reads them. " + stockHelp, RunE: a.operateStock(exportStock),
		})
}

// oneFile is for commands that take a file.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("say one file, or - for standard input: %s", cmd.UseLine())
	}
	return nil
}

func importStock(cmd *cobra.Command, o operator, args []string) error {
	file, err := readStockFile(cmd.InOrStdin(), args[0])
	if err != nil {
		return err
	}
	done, err := inventory.Import.Call(cmd.Context(), o, inventory.ImportRequest{Lines: file.products})
	if failure, refused := errors.AsType[*fault.Error](err); refused && len(failure.Fields) > 0 {
		return file.refused(failure.Fields)
	}
	if err != nil {
		return err
	}
	return say(cmd, "Of %d products %d were added, %d changed, and %d are as before.", len(file.products), done.Added, done.Changed, done.Same)
}

func exportStock(cmd *cobra.Command, o operator, _ []string) error {
	list, err := inventory.Export.Call(cmd.Context(), o, inventory.ExportRequest{})
	if err != nil {
		return err
	}
	w := csv.NewWriter(cmd.OutOrStdout())
	err = w.Write(stockColumns)
	for _, p := range list.Data {
		err = errors.Join(err, w.Write([]string{p.Category, p.Code, p.Name, money.Format(p.Price.Amount, p.Price.Currency), p.Price.Currency, strconv.FormatInt(*p.OnHand, 10)}))
	}
	w.Flush()
	return errors.Join(err, w.Error())
}

// stockFile is a file of products.
type stockFile struct {
	name     string
	products []inventory.StockLine
	at       []int // in which line of the file each of them begins
	problems []string
}

// maxStockFile is far above 10,000 products.
const maxStockFile = 32 << 20

func readStockFile(input io.Reader, name string) (*stockFile, error) {
	f := &stockFile{name: name}
	if name == "-" {
		f.name = "standard input"
	} else {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		input = file
	}
	text, err := io.ReadAll(io.LimitReader(input, maxStockFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxStockFile:
		return nil, fmt.Errorf("%s: is larger than %d MiB; split it", f.name, maxStockFile>>20)
	case !utf8.Valid(text):
		return nil, fmt.Errorf("%s: is not in UTF-8", f.name)
	}
	return f, f.read(csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))))
}

// read reads all lines, and tells everything that is wrong with them.
func (f *stockFile) read(r *csv.Reader) error {
	columns, err := r.Read()
	if missing := slices.DeleteFunc(slices.Clone(stockColumns), func(name string) bool { return slices.Contains(columns, name) }); err != nil || len(missing) > 0 || len(columns) > len(stockColumns) {
		return fmt.Errorf("%s:1: has to name the columns %s, and no others", f.name, strings.Join(stockColumns, ","))
	}
	for {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, is := errors.AsType[*csv.ParseError](err); is {
			f.problem(broken.Line, broken.Err.Error())
			return f.told()
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		cell := map[string]string{}
		for i, name := range columns {
			cell[name] = values[i]
		}
		f.add(line, cell)
	}
	if len(f.products) == 0 && len(f.problems) == 0 {
		return fmt.Errorf("%s: has no products", f.name)
	}
	return f.told()
}

// add adds the product of a line. What its texts have to be, the inventory knows.
func (f *stockFile) add(line int, cell map[string]string) {
	amount, err := money.Parse(cell["price"], cell["currency"])
	if err != nil {
		f.problem(line, "price: "+err.Error())
	}
	onHand, err := strconv.ParseInt(cell["on_hand"], 10, 64)
	if err != nil {
		f.problem(line, "on_hand: write a whole number")
	}
	f.at = append(f.at, line)
	f.products = append(f.products, inventory.StockLine{
		Category: cell["category"], Code: cell["code"], Name: cell["name"], Price: inventory.PutPrice{Amount: &amount, Currency: cell["currency"]}, OnHand: &onHand,
	})
}

func (f *stockFile) problem(line int, text string) {
	f.problems = append(f.problems, fmt.Sprintf("%s:%d: %s", f.name, line, text))
}

// maxToldLines is how many problems are printed: more than a person repairs at once.
const maxToldLines = 20

// told is everything that is wrong, line by line; nil where nothing is.
func (f *stockFile) told() error {
	if len(f.problems) == 0 {
		return nil
	}
	list := f.problems
	if more := len(list) - maxToldLines; more > 0 {
		list = append(slices.Clone(list[:maxToldLines]), fmt.Sprintf("%s: and %d more", f.name, more))
	}
	return errors.New(strings.Join(append(slices.Clone(list), "nothing was changed"), "\n"))
}

// refused tells what the inventory refused by the lines of the file.
func (f *stockFile) refused(fields []fault.Field) error {
	for _, field := range fields {
		index, member, _ := strings.Cut(strings.TrimPrefix(field.Pointer, "/lines/"), "/")
		if i, err := strconv.Atoi(index); err == nil && i < len(f.at) {
			f.problem(f.at[i], strings.ReplaceAll(member, "/", " ")+" "+field.Detail)
		} else {
			f.problems = append(f.problems, f.name+": "+field.Detail)
		}
	}
	return f.told()
}
