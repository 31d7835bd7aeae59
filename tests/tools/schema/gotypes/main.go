// Prints what OpenAPI doesn't tell of Kubernetes' API types: which fields are pointers and which
// are left out when empty (struct tags), and what the real defaulting functions add to a type.
//
// Run by `python -m tests.tools.schema` with the go.mod of ../kubernetes, so that the types are
// those of the API server that the tests build. Standard input: a JSON list of [apiVersion, kind].
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	_ "k8s.io/kubernetes/pkg/apis/storagemigration/install"
)

// shape is one place's type: a word for a leaf, a reference to a struct, or a collection.
type shape struct {
	Kind string `json:"kind"`
	Ref  string `json:"ref,omitempty"`
	Of   *shape `json:"of,omitempty"`
	Go   string `json:"go,omitempty"`
}

type field struct {
	Shape     shape `json:"shape"`
	Pointer   bool  `json:"pointer,omitempty"`
	OmitEmpty bool  `json:"omitEmpty,omitempty"`
	OmitZero  bool  `json:"omitZero,omitempty"`
}

type goField struct {
	field
	index []int
	typ   reflect.Type
}

type output struct {
	Kinds    map[string]string                     `json:"kinds"`
	Missing  []string                              `json:"missing"`
	Types    map[string]map[string]field           `json:"types"`
	Defaults map[string]map[string]json.RawMessage `json:"defaults"`
	Varying  map[string]map[string]json.RawMessage `json:"varying"`
}

// Leaf types that are structs or slices in Go and one JSON value in the API.
var leaves = map[string]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "intstr",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "microtime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         "duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "any",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "any",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "any",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "schemaOrBool",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "schemaOrArray",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "schemaOrStrings",
}

func name(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

var structs = map[string]map[string]goField{}

func shapeOf(t reflect.Type) shape {
	if leaf, ok := leaves[name(t)]; ok {
		return shape{Kind: leaf}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.String:
		return shape{Kind: "string"}
	case reflect.Bool:
		return shape{Kind: "bool"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64, reflect.Int16, reflect.Int8, reflect.Uint8:
		return shape{Kind: "int"}
	case reflect.Float32, reflect.Float64:
		return shape{Kind: "float"}
	case reflect.Interface:
		return shape{Kind: "any"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return shape{Kind: "bytes"}
		}
		of := shapeOf(t.Elem())
		return shape{Kind: "list", Of: &of, Go: named(t)}
	case reflect.Map:
		of := shapeOf(t.Elem())
		return shape{Kind: "map", Of: &of, Go: named(t)}
	case reflect.Struct:
		fieldsOf(t)
		return shape{Kind: "struct", Ref: name(t)}
	}
	panic(fmt.Sprintf("unexpected type %v", t))
}

func named(t reflect.Type) string {
	if t.Name() == "" {
		return ""
	}
	return name(t)
}

func fieldsOf(t reflect.Type) map[string]goField {
	key := name(t)
	if known, ok := structs[key]; ok {
		return known
	}
	fields := map[string]goField{}
	structs[key] = fields
	collect(t, nil, fields)
	return fields
}

func collect(t reflect.Type, prefix []int, into map[string]goField) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		parts := strings.Split(f.Tag.Get("json"), ",")
		index := append(append([]int{}, prefix...), i)
		options := map[string]bool{}
		for _, option := range parts[1:] {
			options[option] = true
		}
		if (f.Anonymous && parts[0] == "") || options["inline"] {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				panic("embedded pointer in " + name(t))
			}
			collect(inner, index, into)
			continue
		}
		if parts[0] == "-" || !f.IsExported() {
			continue
		}
		if parts[0] == "" {
			panic("no json name: " + name(t) + "." + f.Name)
		}
		into[parts[0]] = goField{
			field: field{Shape: shapeOf(f.Type), Pointer: f.Type.Kind() == reflect.Pointer,
				OmitEmpty: options["omitempty"], OmitZero: options["omitzero"]},
			index: index, typ: f.Type,
		}
	}
}

// descend walks to the struct at the end of the path, making what is missing on the way.
func descend(root reflect.Value, path [][]int) reflect.Value {
	at := root
	for _, index := range path {
		at = enter(at.FieldByIndex(index))
	}
	return at
}

// enter makes a field hold one struct, and gives it. Maps hold copies: they aren't entered.
func enter(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return enter(v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		return enter(v.Index(0))
	}
	return v
}

// structIn gives the struct type that a field leads to, or nil.
func structIn(t reflect.Type) reflect.Type {
	for {
		if _, leaf := leaves[name(t)]; leaf && t.Name() != "" {
			return nil
		}
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice:
			t = t.Elem()
		case reflect.Struct:
			return t
		default:
			return nil
		}
	}
}

type finding struct {
	where string
	added map[string]json.RawMessage
}

var findings = map[string][]finding{}

func asMap(v reflect.Value) map[string]json.RawMessage {
	data, err := json.Marshal(v.Interface())
	if err != nil {
		panic(err)
	}
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &m); err != nil {
		panic(err)
	}
	return m
}

func probe(scheme *runtime.Scheme, root reflect.Type, where string, path [][]int, t reflect.Type, seen map[reflect.Type]bool) {
	obj := reflect.New(root)
	before := asMap(descend(obj.Elem(), path))
	scheme.Default(obj.Interface().(runtime.Object))
	after := asMap(descend(obj.Elem(), path))
	added := map[string]json.RawMessage{}
	fields := fieldsOf(t)
	for key, value := range after {
		f, ok := fields[key]
		if !ok || string(before[key]) == string(value) {
			continue
		}
		// A struct that is always there is looked at on its own.
		if f.typ.Kind() == reflect.Struct && structIn(f.typ) != nil {
			continue
		}
		added[key] = value
	}
	findings[name(t)] = append(findings[name(t)], finding{where, added})
	seen[t] = true
	defer delete(seen, t)
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		f := fields[key]
		inner := structIn(f.typ)
		if inner == nil || seen[inner] || (len(path) == 0 && key == "status") {
			continue
		}
		deeper := append(append([][]int{}, path...), f.index)
		probe(scheme, root, where+"."+key, deeper, inner, seen)
	}
}

func main() {
	scheme := legacyscheme.Scheme
	apiextensions.Install(scheme)
	apiregistration.Install(scheme)
	var wanted [][2]string
	if err := json.NewDecoder(os.Stdin).Decode(&wanted); err != nil {
		panic(err)
	}
	out := output{Kinds: map[string]string{}, Types: map[string]map[string]field{},
		Defaults: map[string]map[string]json.RawMessage{}, Varying: map[string]map[string]json.RawMessage{}}
	for _, pair := range wanted {
		gvk := schema.FromAPIVersionAndKind(pair[0], pair[1])
		t, ok := scheme.AllKnownTypes()[gvk]
		if !ok {
			out.Missing = append(out.Missing, pair[0]+" "+pair[1])
			continue
		}
		shapeOf(t)
		out.Kinds[pair[0]+" "+pair[1]] = name(t)
		probe(scheme, t, pair[1], nil, t, map[reflect.Type]bool{})
	}
	for key, fields := range structs {
		plain := map[string]field{}
		for name, f := range fields {
			plain[name] = f.field
		}
		out.Types[key] = plain
	}
	for key, found := range findings {
		merge(&out, key, found)
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}

// merge keeps what is added to a type wherever it stands; what differs is told apart by place.
func merge(out *output, key string, found []finding) {
	counts := map[string]map[string]int{}
	for _, f := range found {
		for field, value := range f.added {
			if counts[field] == nil {
				counts[field] = map[string]int{}
			}
			counts[field][string(value)]++
		}
	}
	always := map[string]json.RawMessage{}
	for field, values := range counts {
		for value, count := range values {
			if count == len(found) {
				always[field] = json.RawMessage(value)
			}
		}
	}
	if len(always) > 0 {
		out.Defaults[key] = always
	}
	for _, f := range found {
		for field, value := range f.added {
			if always[field] != nil {
				continue
			}
			if out.Varying[key] == nil {
				out.Varying[key] = map[string]json.RawMessage{}
			}
			out.Varying[key][f.where+" : "+field] = value
		}
	}
}
