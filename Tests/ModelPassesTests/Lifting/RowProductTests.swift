import ModelGraph
import ModelOps
import ModelTensor
import Testing

/// Products along the last axis that are spelled on rows (`RecognizeRowProducts`).
@Suite struct RowProductTests {
  private func array(_ shape: [Int]) -> NDArray {
    var noise = Noise(11)
    return noise.array(shape)
  }

  /// As TensorFlow spells `tensordot`: the extents are computed.
  @Test func tensordot() throws {
    var m = OpModel()
    let x = m.input("x", [.unknown, .fixed(2), .fixed(3), .fixed(6)]), w = m.weight("w", [6, 5]), b = m.weight("b", [5])
    let shape = try m.node(ShapeOp(), [x], "dense/Tensordot/Shape")
    let free = try m.node(GatherOp(axis: 0), [shape, try m.context.ints([0, 1, 2])], "dense/Tensordot/free")
    let rows = try m.node(ReduceOp(.prod, axes: [0], keepDims: true), [free], "dense/Tensordot/Prod")
    let flat = try m.node(ConcatOp(axis: 0), [rows, try m.context.ints([6])], "dense/Tensordot/stack")
    let whole = try m.node(ConcatOp(axis: 0), [free, try m.context.ints([5])], "dense/Tensordot/concat")
    let before = try m.node(ReshapeOp(), [x, flat], "dense/Tensordot/Reshape")
    let product = try m.node(MatMulOp(), [before, w], "dense/Tensordot/MatMul")
    let after = try m.node(ReshapeOp(), [product, whole], "dense/Tensordot")
    let sum = try m.node(AddOp(), [after, b], "dense/BiasAdd")
    let y = try m.node(ReluOp(), [sum], "dense/Relu")
    #expect(try m.check([y], [array([3, 2, 3, 6])]) == ["Dense"])
  }

  /// As TensorFlow Lite has them: bias and activation stand before the second reshape.
  @Test func fullyConnected() throws {
    var m = OpModel()
    let x = m.input("x", [.unknown, .fixed(4), .fixed(6)]), w = m.weight("w", [5, 6]), b = m.weight("b", [5])
    let before = try m.node(ReshapeOp(), [x, try m.context.ints([-1, 6])], "rows")
    let product = try m.node(FullyConnectedOp(), [before, w, b], "fc")
    let activated = try m.node(TanhOp(), [product], "tanh")
    let y = try m.node(ReshapeOp(), [activated, try m.context.ints([-1, 4, 5])], "result")
    #expect(try m.check([y], [array([3, 4, 6])]).contains("Reshape") == false)
  }

  /// Rows that become something else stay rows.
  @Test func otherExtents() throws {
    var m = OpModel()
    let x = m.input("x", [.unknown, .fixed(4), .fixed(6)]), w = m.weight("w", [6, 5])
    let before = try m.node(ReshapeOp(), [x, try m.context.ints([-1, 6])], "rows")
    let product = try m.node(MatMulOp(), [before, w], "product")
    let y = try m.node(ReshapeOp(), [product, try m.context.ints([-1, 2, 5])], "result")
    #expect(try m.check([y], [array([3, 4, 6])]) == ["Reshape", "Dense", "Reshape"])
  }
}
