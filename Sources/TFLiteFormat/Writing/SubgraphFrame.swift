import ModelGraph
import ModelSupport
import ModelTensor

/// A subgraph in the making: its tensors and operators, its arguments, and what it takes from the subgraphs around it.
///
/// A subgraph can't see tensors outside itself. A rule uses them all the same: the first use makes an argument of it, which
/// the operator that runs the subgraph passes. Constants are repeated instead: their bytes are shared by all subgraphs.
final class SubgraphFrame {
  /// A tensor of the subgraph; one without a constant is computed or given.
  struct Entry {
    var type: TensorType
    var name: String
    var constant: Tensor?
    /// State of an operator, zero at first.
    var isVariable = false
    /// The file's type where it has no dtype.
    var wireType: TFLiteTensorType?
  }

  /// An operator before its code has been given a place in the model's list.
  struct Step {
    var builtin: BuiltinOperator
    /// -1 stands for one that is left out.
    var inputs: [Int]
    var outputs: [Int]
    var options: BuiltinOptions
    /// Tensors that only say how values inside an operator are quantised.
    var intermediates: [Int] = []
  }

  private(set) var captures: [(outer: OutValue, inner: OutValue)] = []
  var entries: [Entry] = []
  var steps: [Step] = []
  /// The tensors given from outside, captures included.
  var arguments: [Int] = []
  private var known: [CaptureKey: OutValue] = [:]
  private var constants: [ObjectIdentifier: Int] = [:]

  struct CaptureKey: Hashable {
    var frame: ObjectIdentifier
    var index: Int
  }

  var id: ObjectIdentifier { ObjectIdentifier(self) }

  private struct Move: Hashable {
    var source: ObjectIdentifier
    var shape: Shape
    var order: [Int]
  }
  private var moves: [Move: (result: OutValue, constant: Tensor)] = [:]

  /// What a constant became when its axes were put in this order before.
  func moved(_ constant: Tensor, _ order: [Int]) -> OutValue? {
    moves[Move(source: ObjectIdentifier(constant.source), shape: constant.type.shape, order: order)]?.result
  }
  func keep(_ result: OutValue, of constant: Tensor, _ order: [Int]) {
    moves[Move(source: ObjectIdentifier(constant.source), shape: constant.type.shape, order: order)] = (result, constant)
  }

  func add(_ type: TensorType, _ name: String, constant: Tensor? = nil) -> OutValue {
    entries.append(Entry(type: type, name: name, constant: constant))
    return OutValue(frame: id, index: entries.count - 1, fact: Fact(type, constant: constant))
  }

  private struct Setting: Hashable {
    var values: [Int32]
    var shape: [Int]
  }
  private var settings: [Setting: OutValue] = [:]

  /// A shape, axes or bounds that operators take: one tensor for all that take the same.
  func setting(_ values: [Int32], _ shape: [Int]) -> OutValue {
    let key = Setting(values: values, shape: shape)
    if let known = settings[key] { return known }
    let tensor = Tensor(NDArray(values, shape)), made = add(tensor.type, "constant", constant: tensor)
    settings[key] = made
    return made
  }

  func addArgument(_ name: String, _ fact: Fact) -> OutValue {
    var value = add(fact.type, name)
    value.fact = Fact(fact.type, elements: fact.elements)
    arguments.append(value.index)
    return value
  }

  /// The value as this subgraph sees it: itself, a copy of the constant, or the argument that brings it in.
  func localize(_ value: OutValue) -> OutValue {
    if value.frame == id { return value }
    let key = CaptureKey(frame: value.frame, index: value.index)
    if let inner = known[key] { return inner }
    let inner: OutValue
    if let constant = value.fact.constant {
      inner = add(value.fact.type, "constant", constant: constant)
    } else {
      inner = addArgument("captured_\(captures.count)", value.fact)
      captures.append((value, inner))
    }
    known[key] = inner
    return inner
  }
}

/// A tensor of a subgraph being written, and what is known of it.
struct OutValue: Sendable {
  var frame: ObjectIdentifier
  var index: Int
  var fact: Fact
  var type: TensorType { fact.type }
  var dtype: DType { fact.type.dtype }
  var key: SubgraphFrame.CaptureKey { SubgraphFrame.CaptureKey(frame: frame, index: index) }
}

/// The subgraphs of a model being written, the main ones among them.
final class WrittenSubgraphs {
  struct Finished {
    var name: String
    var frame: SubgraphFrame
    var inputs: [Int]
    var outputs: [Int]
  }
  private(set) var subgraphs: [Finished] = []
  /// What tables hold, by their numbers.
  private(set) var tables: [(keys: NDArray, values: NDArray)] = []

  /// Keeps the contents of a table for the initialisation.
  /// - Returns: its number.
  func addTable(_ keys: NDArray, _ values: NDArray) -> Int {
    tables.append((keys, values))
    return tables.count
  }

  /// Keeps a place for a subgraph that is finished later.
  func reserve() -> Int {
    subgraphs.append(Finished(name: "", frame: SubgraphFrame(), inputs: [], outputs: []))
    return subgraphs.count - 1
  }
  func set(_ index: Int, _ finished: Finished) { subgraphs[index] = finished }
  func add(_ finished: Finished) -> Int {
    subgraphs.append(finished)
    return subgraphs.count - 1
  }
}
