import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// What a rule sees of a node: its attributes, with placeholders resolved and the op's defaults filled in, and its inputs as
/// values. Order-only inputs are not among them.
struct NodeReader {
  let node: NodeDef
  let type: String
  let inputs: [ValueID]
  /// `nil` for an op TensorFlow does not register.
  let signature: OpSignature?
  /// The attributes of the function around the node, for placeholders.
  let functionAttributes: [String: AttrValue]
  private let attributes: [String: AttrValue]
  /// All attributes, defaults included.
  var allAttributes: [String: AttrValue] { attributes }

  init(_ node: NodeDef, inputs: [ValueID], functionAttributes: [String: AttrValue] = [:]) {
    self.node = node
    self.inputs = inputs
    self.functionAttributes = functionAttributes
    type = node.op ?? ""
    signature = OpSignature.named(type)
    var attributes: [String: AttrValue] = [:]
    for attribute in signature?.attributes ?? [] { attributes[attribute.name] = attribute.defaultValue }
    for entry in node.attr {
      guard let key = entry.key, let value = entry.value else { continue }
      attributes[key] = value.placeholder.flatMap { functionAttributes[$0] } ?? value
    }
    self.attributes = attributes
  }

  /// - Throws: `FormatError.missingReference` when there are fewer inputs.
  func input(_ index: Int) throws -> ValueID {
    guard index < inputs.count else {
      throw FormatError(.missingReference, "\(type) needs input \(index), found \(inputs.count) inputs")
    }
    return inputs[index]
  }

  // MARK: Attributes

  func attribute(_ name: String) -> AttrValue? { attributes[name] }

  private func value<T>(_ name: String, _ kind: String, _ path: (AttrValue) -> T?) throws -> T {
    guard let attribute = attributes[name] else { throw missing(name) }
    guard let value = path(attribute) else {
      throw FormatError(.invalidValue, "expected \(kind)", at: SourceLocation(path: ["attribute \(name)"]))
    }
    return value
  }
  private func missing(_ name: String) -> FormatError {
    FormatError(.missingReference, "\(type) needs the attribute \(name)")
  }

  func int(_ name: String) throws -> Int { Int(try value(name, "an integer") { $0.i }) }
  func flag(_ name: String) throws -> Bool { try value(name, "a boolean") { $0.b } }
  /// The double that prints like the float: 0.1 stays 0.1.
  func float(_ name: String) throws -> Double {
    let float = try value(name, "a float") { $0.f }
    return Double(float.description) ?? Double(float)
  }
  func string(_ name: String) throws -> String { try value(name, "a string") { $0.s }.text() }
  func bytes(_ name: String) throws -> [UInt8] { try value(name, "a string") { $0.s }.bytes() }
  func dataType(_ name: String) throws -> DataType { try value(name, "a type") { $0.type } }
  /// - Throws: `UnsupportedError` for a type without a canonical dtype.
  func dtype(_ name: String) throws -> DType {
    let type = try dataType(name)
    guard let dtype = type.dtype else { throw UnsupportedError("values of the type \(type.name) are not supported") }
    return dtype
  }
  func shape(_ name: String) throws -> Shape { try value(name, "a shape") { $0.shape }.shape }
  func tensor(_ name: String) throws -> Tensor {
    let proto = try value(name, "a tensor") { $0.tensor }
    do { return try proto.value.tensor() } catch let error as FormatError { throw error.within("attribute \(name)") }
  }
  /// A list; an attribute without elements counts as an empty one.
  private func list(_ name: String) throws -> ListValue { try value(name, "a list") { $0.list ?? ListValue() } }
  func ints(_ name: String) throws -> [Int] { try list(name).i.map { Int($0) } }
  func floats(_ name: String) throws -> [Double] { try list(name).f.map { Double($0) } }
  func strings(_ name: String) throws -> [String] { try list(name).s.map { try $0.text() } }
  func byteStrings(_ name: String) throws -> [[UInt8]] { try list(name).s.map { try $0.bytes() } }
  func dataTypes(_ name: String) throws -> [DataType] { try list(name).type }
  func shapes(_ name: String) throws -> [Shape] { try list(name).shape.map(\.shape) }
  func function(_ name: String) throws -> NameAttrList { try value(name, "a function") { $0.function }.value }
  func functions(_ name: String) throws -> [NameAttrList] { try list(name).function }

  // MARK: Constant inputs

  /// The integers of an input that must be known when the model is read.
  /// - Throws: `UnsupportedError` when they are computed.
  func constantInts(_ index: Int, in graph: GraphContext) throws -> [Int] {
    guard let values = graph.fact(of: try input(index)).integers else {
      throw UnsupportedError("input \(index) of \(type) is not constant")
    }
    return values
  }
  func constantInt(_ index: Int, in graph: GraphContext) throws -> Int {
    guard let value = try constantInts(index, in: graph).first else {
      throw FormatError(.invalidValue, "input \(index) of \(type) has no element")
    }
    return value
  }
  /// The number in an input of one element that must be known when the model is read.
  func constantScalar(_ index: Int, in graph: GraphContext) throws -> Double {
    guard let value = graph.fact(of: try input(index)).scalar else {
      throw UnsupportedError("input \(index) of \(type) is not constant")
    }
    return value
  }
}
