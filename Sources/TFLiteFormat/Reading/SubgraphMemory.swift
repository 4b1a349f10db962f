import ModelGraph
import ModelSupport
import ModelTensor

/// What a subgraph remembers between runs while it is read: variables, tables, and the handles that stand for them.
struct SubgraphMemory {
  /// The variable or table behind each tensor that holds a handle, and behind each variable tensor.
  var handles: [Int: String] = [:]
  /// The value of each variable so far.
  var current: [String: ValueID] = [:]
  /// The place of each variable among the graph's states.
  var states: [String: Int] = [:]
  /// What initialisation subgraphs have left behind.
  var initial: [String: Tensor] = [:]
  var tables: [String: LookupTable] = [:]
}

/// A table of LiteRT's: it is filled once and never changed.
struct LookupTable {
  var keyType: DType
  var valueType: DType
  /// `nil` before the table is filled.
  var contents: (keys: NDArray, values: NDArray)?
}

/// The same byte again and again: what variables start with.
final class RepeatedByte: ByteSource {
  let byte: UInt8
  let byteCount: Int
  init(_ byte: UInt8, count: Int) {
    self.byte = byte
    byteCount = count
  }
  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    try [UInt8](repeating: byte, count: range.count).withUnsafeBytes { try body($0) }
  }
}
