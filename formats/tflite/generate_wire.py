#!/usr/bin/env python3
"""Writes Sources/TFLiteFormat/Wire/Schema/*.swift from schema.fbs: one Swift struct per table, with its field table.

Run it from anywhere after the schema was replaced: python3 formats/tflite/generate_wire.py
"""

import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parents[1] / "Sources/TFLiteFormat/Wire/Schema"

SCALARS = {
    "byte": "Int8", "ubyte": "UInt8", "short": "Int16", "ushort": "UInt16", "int": "Int32", "int32": "Int32",
    "uint": "UInt32", "long": "Int64", "ulong": "UInt64", "float": "Float", "bool": "Bool",
}
# Names that mean something else in this package.
PREFIXED = {"Tensor", "Operator", "SubGraph", "Model", "Buffer", "Metadata", "TensorType", "Padding"}
KEYWORDS = {"if", "while", "where", "default", "switch", "case", "return", "is", "as", "in", "operator", "self", "call_"}

# The file of each table: the first family whose words match. The order counts.
FAMILIES = [
    ("Graph", r"^(Tensor|Operator|SubGraph|VariantSubType)$"),
    ("Model", r"^(Model|Buffer|Metadata|OperatorCode|SignatureDef|TensorMap|ExternalBuffer.*)$"),
    ("Sparsity", r"^(Int32Vector|Uint16Vector|Uint8Vector|DimensionMetadata|SparsityParameters)$"),
    ("Quantization", r"^(.*Quantization.*|QuantizeOptions|DequantizeOptions|FakeQuantOptions|DensifyOptions)$"),
    ("StableHLO+Structure", r"^Stable[Hh][Ll][Oo](Case|Composite|CustomCall|While|Sort|Reduce|Compare|Rng|Shift|Iota|Scatter)"),
    ("StableHLO+Arrays", r"^Stable[Hh][Ll][Oo]"),
    ("Convolution", r"^(Conv2D|Conv3D|DepthwiseConv2D|TransposeConv|Dilate|Pool2D)Options$"),
    ("Recurrent", r"^(LSTM|RNN|SVDF|SequenceRNN|BidirectionalSequence\w+|UnidirectionalSequence\w+)Options$"),
    ("Linear", r"^(FullyConnected|BatchMatMul|Softmax|LogSoftmax|L2Norm|LocalResponseNormalization|Gelu|LeakyRelu|HardSwish)Options$"),
    ("Control", r"^(If|While|CallOnce|Call|VarHandle|ReadVariable|AssignVariable|Hashtable\w*)Options$"),
    ("Text", r"^(ConcatEmbeddings|LSHProjection|SkipGram|EmbeddingLookupSparse|Bucketize|Random)Options$"),
    ("Comparison", r"^(Less|LessEqual|Greater|GreaterEqual|Equal|NotEqual|Logical\w+|Select|SelectV2|Where|MaximumMinimum)Options$"),
    ("Reduction", r"^(Reducer|ReduceWindow|ArgMax|ArgMin|Cumsum|SegmentSum|UnsortedSegment\w+|TopKV2|Unique|NonMaxSuppression\w+)Options$"),
    ("Arithmetic", r"^(Add|Sub|Mul|Div|Pow|AddN|FloorDiv|FloorMod|SquaredDifference|Square|Abs|Neg|Exp|Cos|Sign|ATan2|Bit\w+|RightShift|Rfft2d)Options$"),
    ("Array+Indexing", r"^(Slice|StridedSlice|Gather|GatherNd|ScatterNd|DynamicUpdateSlice|OneHot|SparseToDense|Reverse\w+|Matrix\w+|Split|SplitV)Options$"),
    ("Array+Shapes", r"^(Shape|Rank|Reshape|Squeeze|ExpandDims|Pack|Unpack|BroadcastTo|Fill|Range|ZerosLike|Cast|Tile|Transpose)Options$"),
    ("Array", r"Options$"),
]


class Field:
    def __init__(self, name, kind, default, attributes):
        self.name, self.kind, self.default, self.attributes = name, kind, default, attributes


class Schema:
    def __init__(self, text):
        text = re.sub(r"//[^\n]*", "", text)
        self.enums, self.tables, self.unions = {}, {}, {}
        for word, name, kind, body in re.findall(r"\b(enum|table|union)\s+(\w+)\s*(?::\s*(\w+))?[^{;]*\{(.*?)\}", text, re.S):
            if word == "enum":
                self.enums[name] = (kind, self.values(body))
            elif word == "union":
                self.unions[name] = re.findall(r"(\w+)(?:\s*\(\w+\))?\s*(?:,|$)", body.strip())
            else:
                self.tables[name] = self.fields(body)

    @staticmethod
    def values(body):
        values, following = [], 0
        for name, number in re.findall(r"(\w+)\s*(?:=\s*(-?\d+))?\s*(?:\(\w+\))?\s*(?:,|$)", body.strip()):
            value = int(number) if number else following
            assert value == following, f"{name}: the numbers of an enumeration are expected to count from zero"
            values.append(name)
            following = value + 1
        return values

    @staticmethod
    def fields(body):
        row = r"(\w+)\s*:\s*(\[?\s*\w+\s*\]?)\s*(?:=\s*([^;(\s]+))?\s*(?:\(([^)]*)\))?\s*;"
        return [Field(name, kind.replace(" ", ""), default or None, attributes) for name, kind, default, attributes in re.findall(row, body)]


def camel(text):
    words = text.split("_")
    return words[0].lower() + "".join(word[:1].upper() + word[1:].lower() for word in words[1:])


def field_name(text):
    words = text.split("_")
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def case_name(text):
    head = re.match(r"[A-Z0-9]+(?=[A-Z][a-z])|[A-Z][a-z0-9]*|[A-Z0-9]+", text).group()
    return head.lower() + text[len(head):]


def quoted(name):
    return f"`{name}`" if name in KEYWORDS else name


def swift(name):
    return "TFLite" + name if name in PREFIXED else name


def wrapped(head, parts, tail, indent="    "):
    """One line when it fits, else filled lines, as swift-format leaves them."""
    line = head + ", ".join(parts) + tail
    if len(line) <= 132:
        return line
    lines, current = [], indent
    for position, part in enumerate(parts):
        piece = part + ("," if position < len(parts) - 1 else "")
        if len(current) + len(piece) + 1 > 132:
            lines.append(current.rstrip())
            current = indent
        current += piece + " "
    lines.append(current.rstrip())
    return head.rstrip() + "\n" + "\n".join(lines) + "\n" + indent[:-2] + tail.lstrip()


class Writer:
    def __init__(self, schema):
        self.schema = schema

    def enumeration(self, name):
        kind, values = self.schema.enums[name]
        raw = SCALARS[kind]
        lines = [
            f"/// The schema's `{name}`.",
            f"public struct {swift(name)}: FlatEnumeration {{",
            f"  public let rawValue: {raw}",
            f"  public init(rawValue: {raw}) {{ self.rawValue = rawValue }}",
            "",
        ]
        for number, value in enumerate(values):
            lines.append(f"  public static let {quoted(camel(value))} = {swift(name)}(rawValue: {number})")
        lines += ["", wrapped("  public static let names: [String] = [", [f'"{value}"' for value in values], "]"), "}"]
        return "\n".join(lines)

    def property(self, field):
        """The Swift type, its default, and the row's function with its last arguments."""
        schema, kind = self.schema, field.kind
        vector = kind.startswith("[")
        element = kind.strip("[]")
        if element in schema.enums:
            default = field.default or schema.enums[element][1][0]
            return (f"[{swift(element)}]?", "nil", "scalars", "") if vector else (
                swift(element), "." + camel(default), "scalar", ", ." + camel(default))
        if element in SCALARS:
            if vector and element == "ubyte":
                force = re.search(r"force_align:\s*(\d+)", field.attributes or "")
                return "FlatBytes?", "nil", "bytes", f", alignment: {force.group(1)}" if force and force.group(1) != "4" else ""
            if vector:
                return f"[{SCALARS[element]}]?", "nil", "scalars", ""
            default = field.default or ("false" if element == "bool" else "0")
            return SCALARS[element], default, "scalar", f", {default}"
        if element == "string":
            return ("[String]?", "nil", "strings", "") if vector else ("String?", "nil", "string", "")
        if element in schema.unions:
            return element, ".none", "union", ""
        return (f"[{swift(element)}]?", "nil", "tables", "") if vector else (f"{swift(element)}?", "nil", "table", "")

    def table(self, name):
        title = swift(name)
        fields = self.schema.tables[name]
        declarations, parameters, assignments, rows = [], [], [], []
        slot = 0
        for field in fields:
            kind, default, function, rest = self.property(field)
            if function == "union":
                slot += 1
            label = quoted(field_name(field.name))
            if field.attributes and "deprecated" in field.attributes:
                declarations.append("  /// Deprecated in the schema; kept for what older files hold.")
            declarations.append(f"  public var {label}: {kind} = {default}")
            parameters.append(f"{label}: {kind} = {default}")
            assignments.append(f"    self.{label} = {label}")
            rows.append(f'    .{function}({slot}, "{field.name}", \\.{label}{rest}),')
            slot += 1
        lines = [f"/// The schema's `{name}`.", f"public struct {title}: FlatTable {{"]
        lines += declarations + ["  public var unknownFields: [Int] = []", "", "  public init() {}"]
        if fields:
            lines += [wrapped("  public init(", parameters, ") {")] + assignments + ["  }"]
        lines += ["", f'  public static let tableName = "{name}"']
        if rows:
            lines += [f"  public static let table = FlatFieldTable<{title}>(rows)",
                      f"  private static let rows: [FlatField<{title}>] = ["] + rows + ["  ]"]
        else:
            lines += [f"  public static let table = FlatFieldTable<{title}>([])"]
        return "\n".join(lines + ["}"])

    def union(self, name):
        members = [(case_name(member), swift(member)) for member in self.schema.unions[name]]
        lines = [f"/// The schema's `{name}`.", f"public indirect enum {name}: FlatUnion {{", "  case none"]
        lines += [f"  case {case}({kind})" for case, kind in members]
        lines += ["  /// A table the schema does not name; its contents can't be told.", "  case unknown(type: UInt8)", ""]
        lines += ["  public static func read(_ type: UInt8, at position: Int, _ reader: inout FlatReader) throws -> Self {",
                  "    switch type {", "    case 0: .none"]
        lines += [f"    case {number}: .{case}(try reader.table(at: position))" for number, (case, _) in enumerate(members, 1)]
        lines += ["    default: .unknown(type: type)", "    }", "  }", ""]
        lines += ["  public var type: UInt8 {", "    switch self {", "    case .none: 0"]
        lines += [f"    case .{case}: {number}" for number, (case, _) in enumerate(members, 1)]
        lines += ["    case .unknown(let type): type", "    }", "  }", ""]
        lines += ["  public var content: (any FlatTable)? {", "    switch self {", "    case .none, .unknown: nil"]
        lines += [f"    case .{case}(let table): table" for case, _ in members]
        lines += ["    }", "  }", "}"]
        return "\n".join(lines)


def main():
    schema = Schema((HERE / "schema.fbs").read_text())
    writer = Writer(schema)
    files = {}

    def add(file, text):
        files.setdefault(file, []).append(text)

    for name in schema.enums:
        add("BuiltinOperator" if name == "BuiltinOperator" else "Enumerations", writer.enumeration(name))
    for name in schema.unions:
        add({"BuiltinOptions": "BuiltinOptions", "BuiltinOptions2": "BuiltinOptions2"}.get(name, "Unions"), writer.union(name))
    for name in schema.tables:
        add(next(family for family, words in FAMILIES if re.search(words, name)), writer.table(name))

    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.swift"):
        old.unlink()
    for file, parts in sorted(files.items()):
        suffix = "" if file in ("BuiltinOperator", "BuiltinOptions", "BuiltinOptions2", "Enumerations", "Unions") else "Tables"
        name = file.replace("+", suffix + "+") if "+" in file else file + suffix
        head = "// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.\n\nimport FlatBufferWire\n\n"
        (OUT / f"{name}.swift").write_text(head + "\n\n".join(parts) + "\n")
    subprocess.run(["swift", "format", "--in-place", "--recursive", str(OUT)], check=True)


if __name__ == "__main__":
    main()
