import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import Testing

@testable import ModelPasses

@Suite struct FoldConstantsTests {
  /// A tensor that must not be read.
  private final class Untouchable: ByteSource {
    let byteCount: Int
    init(_ count: Int) { byteCount = count }
    func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
      Issue.record("a weight was read")
      throw FormatError(.truncated, "not to be read")
    }
  }

  @Test func weightsStayLazyAndTrainable() throws {
    var model = try makeModel { c in
      let x = c.input("x", [.named("batch"), 6])
      let id = c.model.add(
        Parameter(name: "kernel", tensor: Tensor(TensorType(.float32, [4096, 6]), source: Untouchable(4096 * 6 * 4))))
      let w = c.graph.addParameter(id, of: c.model)
      let parts = try [2048, 0].map { try c.slice(w, axis: 0, start: $0, end: $0 + 2048) }
      let flipped = try c.transpose(try c.unsqueeze(try c.concat(parts, axis: 0), [0]), [0, 2, 1])
      return [try c.matmul(x, try c.squeeze(flipped, [0]))]
    }
    try FoldConstants().run(&model)
    try model.validate()
    #expect(model.opNames == ["MatMul"])
    #expect(model.parameters.count == 1)
    #expect(model.parameters.first?.name == "kernel")
    #expect(model.parameters.first?.isTrainable == true)
    #expect(model.parameters.first?.tensor.extents == [6, 4096])
  }

  @Test func sharedWeightsStayShared() throws {
    var noise = Noise(1)
    let array = noise.array([3, 3])
    var model = try makeModel { c in
      let x = c.input("x", [2, 3]), w = c.weight("w", array)
      let a = try c.matmul(x, try c.transpose(w, [1, 0])), b = try c.matmul(a, try c.transpose(w, [1, 0]))
      return [b]
    }
    try FoldConstants().run(&model)
    #expect(model.parameters.count == 1)
  }

  @Test func bloatStaysOut() throws {
    var model = try makeModel { c in
      let x = c.input("x", [1000, 1000])
      let wide = try c.expand(try c.scalar(2, dtype: .float32), to: try c.ints([1000, 1000]))
      return [try c.apply(MaximumOp(), x, wide)]
    }
    try FoldConstants().run(&model)
    #expect(model.opNames == ["Expand", "Max"] || model.opNames == ["Expand", "Maximum"])
  }

  @Test func whatIsFilledIsFilledInShape() throws {
    let fill = ConstantOfShapeOp(value: NDArray([Float(0.5)], [1]))
    var model = try makeModel { c in
      let w = try c.apply(fill, try c.ints([64, 32, 9]))
      return [try c.matmul(c.input("x", [9, 32, 64]), try c.reshape(try c.transpose(w, [2, 0, 1]), [9, 64, 32]))]
    }
    var stored = model
    try FoldConstants().run(&model)
    try model.validate()
    #expect(model.opNames == ["ConstantOfShape", "MatMul"])
    try FoldConstants(storesBroadcasts: true).run(&stored)
    try stored.validate()
    #expect(stored.opNames == ["MatMul"])
    var noise = Noise(8)
    let x = noise.array([9, 32, 64])
    try expectClose(try Interpreter(model: model).run([x]), try Interpreter(model: stored).run([x]))
  }

  @Test func nothingQuantisedIsExpanded() throws {
    var model = try makeModel { c in
      let x = c.input("x", [2, 4])
      let w = try c.constant(NDArray([Int8](repeating: 3, count: 16), [4, 4]))
      let real = try c.apply(DequantizeLinearOp(axis: 0), w, try c.scalar(0.5, dtype: .float32))
      return [try c.matmul(x, real)]
    }
    try FoldConstants().run(&model)
    #expect(model.opNames == ["DequantizeLinear", "MatMul"])
  }

  /// x[batch, time, 8] to [batch, time, 2, 4], the way exporters spell it.
  @Test func computedShapesBecomeConstant() throws {
    var model = try makeModel { c in
      let x = c.input("x", [.named("batch"), .unknown, 8])
      let shape = try c.shape(of: x)
      let batch = try c.gather(shape, try c.ints([0]), axis: 0), time = try c.slice(shape, axis: 0, start: 1, end: 2)
      let split = try c.reshape(x, to: try c.concat([batch, time, try c.ints([2, 4])], axis: 0))
      let y = try c.transpose(split, [0, 2, 1, 3])
      return [try c.transpose(y, [0, 2, 1, 3])]
    }
    try FoldConstants().run(&model)
    try model.validate()
    #expect(model.opNames == ["Reshape"])
    let input = NDArray((0..<48).map { Float($0) }, [2, 3, 8])
    #expect(try Interpreter(model: model).run([input])[0].shape == [2, 3, 2, 4])
  }

  @Test func pairsCancel() throws {
    var model = try makeModel { c in
      let x = c.input("x", [.named("batch"), 4, 5])
      var y = try c.unsqueeze(try c.squeeze(try c.unsqueeze(x, [1]), [1]), [0])
      y = try c.apply(IdentityOp(), try c.squeeze(y, [0]))
      y = try c.apply(ReverseOp(axes: [1]), try c.apply(ReverseOp(axes: [1]), y))
      y = try c.cast(try c.concat([y], axis: 0), to: .float32)
      y = try c.slice(y, axis: 1, start: 0, end: Int.max)
      y = try c.transpose(try c.transpose(y, [2, 0, 1]), [1, 2, 0])
      return [try c.apply(ReluOp(), y)]
    }
    try FoldConstants().run(&model)
    #expect(model.opNames == ["Relu"])
  }

  @Test func randomNumbersStayRandom() throws {
    var model = try makeModel { c in
      let y = try c.apply(RandomNormalOp(mean: 0, scale: 1), try c.ints([2, 2]))
      return [y]
    }
    let before = model.opNames
    try FoldConstants().run(&model)
    #expect(model.opNames == before)
  }
}
