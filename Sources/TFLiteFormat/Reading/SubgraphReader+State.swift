import ModelGraph
import ModelTensor

extension SubgraphReader {
  /// The value of a tensor that keeps its elements from one run to the next; `nil` for any other.
  mutating func variable(_ number: Int, _ tensor: TFLiteTensor, in g: inout GraphContext) throws -> ValueID? { nil }

  /// Reads an operator on resources or variables; `false` for any other.
  mutating func readState(_ op: TFLiteOperator, _ code: BuiltinOperator, name: String, in g: inout GraphContext) throws -> Bool { false }
}
