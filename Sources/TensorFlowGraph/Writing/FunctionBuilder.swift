import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// Puts a function together: arguments, nodes, results.
struct FunctionBuilder {
  let name: String
  private(set) var signature = OpDef()
  var writer: NodeWriter
  /// The nodes of finished ops, in order.
  var nodes: [NodeDef] = []
  private var returns: [StringEntry] = []
  /// Names of arguments and results, which the signature keeps apart from those of nodes.
  private let ports = NameTable()

  init(_ name: String, dialect: GraphDialect, rules: RuleTable = .all, bodies: (any BodyWriting)? = nil) {
    self.name = name
    writer = NodeWriter(dialect: dialect, isFunction: true, rules: rules, names: NameTable(), nodeName: "body", bodies: bodies)
    signature.name = name
  }

  /// - Throws: `UnsupportedError` for a dtype TensorFlow does not have.
  mutating func addArgument(_ name: String, _ type: TensorType, fact: Fact? = nil) throws -> OutValue {
    guard let dataType = DataType(type.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(type.dtype)") }
    var argument = OpDef.ArgDef()
    // Arguments and nodes share their names inside the function.
    let name = writer.names.unique(NameTable.sanitized(name, isFunction: true).lowercased())
    argument.name = name
    argument.type = dataType
    signature.inputArg.append(argument)
    return OutValue(node: name, index: 0, argument: nil, fact: fact ?? Fact(type))
  }

  mutating func addResult(_ name: String, _ value: OutValue) throws {
    guard let type = DataType(value.type.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(value.type.dtype)") }
    var value = value
    // What a function gives must be made by a node of its own.
    if value.argument == nil { value = try writer.emit("Identity", [value]) }
    var result = OpDef.ArgDef()
    let name = ports.unique(NameTable.sanitized(name, isFunction: true).lowercased())
    result.name = name
    result.type = type
    signature.outputArg.append(result)
    returns.append(StringEntry(name, value.functionReference))
  }

  func finish() -> FunctionDef {
    var function = FunctionDef()
    function.signature = signature
    function.nodeDef = nodes + writer.nodes
    function.ret = returns.sorted { ($0.key ?? "") < ($1.key ?? "") }
    return function
  }
}
