import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// What a rule sees of a node: its operator's version, its attributes with references resolved, and its inputs as values.
struct NodeReader {
  let node: NodeProto
  let type: String
  /// `""` for the default one.
  let domain: String
  /// The version of the node's operator set.
  let version: Int
  /// `nil` for an input that is left out.
  let inputs: [ValueID?]
  /// What the file says of the outputs.
  let declared: [TensorType?]
  let scope: NameScope
  let model: ModelReader

  /// An optional input.
  subscript(index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }

  /// - Throws: `FormatError.missingReference` when the input is left out.
  func input(_ index: Int) throws -> ValueID {
    guard let value = self[index] else {
      throw FormatError(.missingReference, "\(type) needs input \(index), found \(inputs.count) inputs")
    }
    return value
  }

  /// The outputs without those left out at the end.
  var outputCount: Int { (node.output.lastIndex { !$0.isEmpty } ?? -1) + 1 }
  func wants(_ output: Int) -> Bool { output < node.output.count && !node.output[output].isEmpty }

  // MARK: Attributes

  /// The attribute, a reference replaced by what the call of the function gives.
  func attribute(_ name: String) -> AttributeProto? {
    node.attribute.first { $0.name == name }.flatMap { scope.resolve($0) }
  }
  func has(_ name: String) -> Bool { attribute(name) != nil }

  private func typed(_ name: String, _ type: AttributeProto.AttributeType) throws -> AttributeProto? {
    guard let attribute = attribute(name) else { return nil }
    // Files of the first versions leave the type out.
    if let found = attribute.type, found != .undefined, found != type {
      throw FormatError(
        .invalidValue, "expected type \(type.rawValue), found \(found.rawValue)",
        at: SourceLocation(path: ["attribute \(name)"]))
    }
    return attribute
  }

  func int(_ name: String) throws -> Int? { try typed(name, .int).map { Int($0.i ?? 0) } }
  func flag(_ name: String, _ fallback: Bool = false) throws -> Bool { try int(name).map { $0 != 0 } ?? fallback }
  func float(_ name: String) throws -> Double? { try typed(name, .float).map { exactDouble($0.f ?? 0) } }
  func ints(_ name: String) throws -> [Int]? { try typed(name, .ints)?.ints.map { Int($0) } }
  func floats(_ name: String) throws -> [Double]? { try typed(name, .floats)?.floats.map(exactDouble) }
  func string(_ name: String) throws -> String? { try typed(name, .string).map { try $0.s?.text() ?? "" } }
  func bytes(_ name: String) throws -> [UInt8]? { try typed(name, .string).map { try $0.s?.bytes() ?? [] } }
  func strings(_ name: String) throws -> [String]? { try typed(name, .strings)?.strings.map { try $0.text() } }
  func byteStrings(_ name: String) throws -> [[UInt8]]? { try typed(name, .strings)?.strings.map { try $0.bytes() } }
  func tensor(_ name: String) throws -> Tensor? {
    try typed(name, .tensor)?.t.map { t in try within("attribute \(name)") { try t.value.tensor(model.files) } }
  }
  func graph(_ name: String) throws -> GraphProto? { try typed(name, .graph)?.g?.value }

  /// An attribute that numbers an element type.
  func dtype(_ name: String) throws -> DType? {
    guard let number = try int(name) else { return nil }
    guard let dtype = Int32(exactly: number).flatMap({ TensorProto.DataType(rawValue: $0).dtype }) else {
      throw FormatError(.invalidValue, "\(number) is no element type", at: SourceLocation(path: ["attribute \(name)"]))
    }
    return dtype
  }

  /// What the attribute must give.
  func required<T>(_ value: T?, _ name: String) throws -> T {
    guard let value else { throw FormatError(.missingReference, "\(type) needs the attribute \(name)") }
    return value
  }

  // MARK: Constant inputs

  /// The integers of an input that must be known when the model is read.
  /// - Throws: `UnsupportedError` when they are computed.
  func constantInts(_ index: Int, in graph: GraphContext) throws -> [Int]? {
    guard let value = self[index] else { return nil }
    guard let values = graph.fact(of: value).integers else {
      throw UnsupportedError("input \(index) of \(type) is not constant")
    }
    return values
  }

  /// The number in an input of one element that must be known when the model is read.
  func constantScalar(_ index: Int, in graph: GraphContext) throws -> Double? {
    guard let value = self[index] else { return nil }
    guard let scalar = graph.fact(of: value).scalar else {
      throw UnsupportedError("input \(index) of \(type) is not constant")
    }
    return scalar
  }

  /// An integer list given as an attribute by older versions, and as input `index` by newer ones, as a value.
  func intsAsValue(_ name: String, orInput index: Int, in graph: inout GraphContext) throws -> ValueID? {
    if let value = self[index] { return value }
    guard let values = try ints(name) else { return nil }
    return try graph.ints(values)
  }

  /// The same, known when the model is read.
  func knownInts(_ name: String, orInput index: Int, in graph: GraphContext) throws -> [Int]? {
    try constantInts(index, in: graph) ?? ints(name)
  }
}

/// The double that prints like the float: 0.1 stays 0.1, so that it is written as it was.
func exactDouble(_ value: Float) -> Double { Double(value.description) ?? Double(value) }
