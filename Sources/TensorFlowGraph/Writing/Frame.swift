import ModelGraph
import ModelSupport
import ModelTensor

/// A graph or function in the making: its names, its arguments, and what it takes from the frames around it.
///
/// A function can't see values outside itself. A rule uses them all the same: the first use makes an argument of it, which
/// whoever calls the function passes.
final class Frame {
  let isFunction: Bool
  let names = NameTable()
  private(set) var arguments: [OpDef.ArgDef] = []
  private(set) var captures: [(outer: OutValue, inner: OutValue)] = []
  private var known: [CaptureKey: Int] = [:]

  struct CaptureKey: Hashable {
    var frame: ObjectIdentifier
    var node: String
    var index: Int
  }

  init(isFunction: Bool) { self.isFunction = isFunction }

  var id: ObjectIdentifier { ObjectIdentifier(self) }

  /// Adds an argument; only functions have any.
  /// - Throws: `UnsupportedError` for a dtype TensorFlow does not have.
  func addArgument(_ name: String, _ fact: Fact) throws -> OutValue {
    guard let type = DataType(fact.type.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(fact.type.dtype)") }
    var argument = OpDef.ArgDef()
    let name = names.unique(NameTable.sanitized(name, isFunction: true).lowercased())
    argument.name = name
    argument.type = type
    arguments.append(argument)
    return OutValue(frame: id, node: name, index: 0, argument: nil, fact: fact)
  }

  /// The value as this frame sees it: itself, or the argument that brings it in.
  func localize(_ value: OutValue) throws -> OutValue {
    if value.frame == id { return value }
    guard isFunction else { throw GraphError(.invalidStructure, "'\(value.node)' belongs to another graph") }
    let key = value.key
    if let index = known[key] { return captures[index].inner }
    var inner = try addArgument("captured_\(captures.count)", value.fact)
    inner.isVariable = value.isVariable
    known[key] = captures.count
    captures.append((value, inner))
    return inner
  }
}

/// A value of a graph being written: the node that makes it, which of its outputs it is, and what is known of it.
struct OutValue: Sendable {
  /// The graph or function it belongs to.
  var frame: ObjectIdentifier
  var node: String
  /// The output's place among all outputs of the node, as graphs count.
  var index: Int
  /// The output argument and the place in it, as functions refer to it; `nil` for a function's own argument.
  var argument: (name: String, index: Int)?
  var fact: Fact
  /// Whether it is read from a variable: what is made of it must be computed from it, so that it follows when the variable is trained.
  var isVariable = false
  /// Whether it is a convolution of groups, which TensorFlow's optimiser must not make one kernel of with what follows.
  var isOfGroups = false
  var type: TensorType { fact.type }
  /// What the value is for good: its bytes may be rearranged where they are written.
  var foldable: Tensor? { isVariable ? nil : fact.constant }

  /// `node`, `node:1`.
  var graphReference: String { index == 0 ? node : "\(node):\(index)" }
  /// `argument`, `node:output:0`.
  var functionReference: String { argument.map { "\(node):\($0.name):\($0.index)" } ?? node }
  var key: Frame.CaptureKey { Frame.CaptureKey(frame: frame, node: node, index: index) }
}

/// The functions of a model being written.
final class FunctionLibrary {
  private(set) var functions: [FunctionDef] = []
  private let names = NameTable()

  func uniqueName(_ base: String) -> String { names.unique(NameTable.sanitized(base, isFunction: true)) }
  func add(_ function: FunctionDef) { functions.append(function) }
}
