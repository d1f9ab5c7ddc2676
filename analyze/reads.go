package analyze

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// readsAgents tells whether an expression reads what only an agent itself
// could say, which is empty, and not false, where the agent could not be read.
func readsAgents(p *program) bool {
	f := &agentFields{types: agentTypes()}
	node := p.code.Node()
	ast.Walk(&node, f)
	return f.found
}

type agentFields struct {
	types map[reflect.Type]bool
	found bool
}

func (f *agentFields) Visit(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	base := member.Node.Type()
	if base != nil && base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	property, ok := member.Property.(*ast.StringNode)
	if ok && f.types[base] && !fromKubernetes(property.Value) {
		f.found = true
	}
}
