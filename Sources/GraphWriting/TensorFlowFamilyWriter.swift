import ModelGraph
import ModelOps
import ModelTensor

/// What writers for TensorFlow's graphs and for TFLite's subgraphs have in common: channels last, shapes and places in int32, loops
/// and branches as functions that see nothing outside themselves. What the two say in the same words is written once, against this.
public protocol TensorFlowFamilyWriter: ScanContext {
  /// Writes body `index` of the op being written into a writer, on these inputs; `nil` where there are no bodies.
  var inliner: ((_ index: Int, _ inputs: [Value], _ writer: inout Self) throws -> [Value])? { get }

  /// A constant int32 vector.
  /// - Throws: `UnsupportedError` for numbers that don't fit.
  mutating func int32s(_ values: [Int]) throws -> Value

  /// A loop: `condition` and `body` get the variables; the body gives their next values.
  mutating func loop(
    _ start: [Value], _ label: String, while condition: (inout Self, [Value]) throws -> Value,
    do body: (inout Self, [Value]) throws -> [Value]
  ) throws -> [Value]

  /// What a loop collects, before its first turn: as many values of `type` as there will be turns.
  mutating func emptyCollection(_ type: TensorType) throws -> Value
  /// The collection with one more value at its end.
  mutating func appended(_ value: Value, to collection: Value) throws -> Value
  /// A collection as one tensor, a row for each turn.
  mutating func stacked(_ collection: Value, _ type: TensorType) throws -> Value
}

extension Shape {
  /// What two shapes have in common: an extent in which they differ is unknown.
  public static func common(_ a: Shape, _ b: Shape) -> Shape {
    guard let x = a.dims, let y = b.dims, x.count == y.count else { return .unranked }
    return .ranked(zip(x, y).map { $0.value != nil && $0.value == $1.value ? $0 : .unknown })
  }
}

/// Permutations that move one axis.
public enum AxisOrder {
  /// Brings an axis to the front.
  public static func front(_ axis: Int, _ rank: Int) -> [Int] { [axis] + (0..<rank).filter { $0 != axis } }
  /// Takes the first axis back to its place.
  public static func behind(_ axis: Int, _ rank: Int) -> [Int] {
    var order = Array(1..<max(1, rank))
    order.insert(0, at: min(axis, order.count))
    return order
  }
}
