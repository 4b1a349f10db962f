import ModelGraph
import ModelOps
import ModelTraining
import Testing

/// Ops that are linear in their first operand: the gradient is the transpose, `⟨op(x), g⟩ = ⟨x, gradient(g)⟩` for all `x` and `g`.
@Suite struct LinearOpTests {
  static func ints(_ values: Int...) -> Tensor { Tensor(values.map(Int64.init)) }
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var shape: [Int]
    var op: @Sendable (Tensor) throws -> Tensor
    init(_ name: String, _ shape: [Int], _ op: @escaping @Sendable (Tensor) throws -> Tensor) {
      (testDescription, self.shape, self.op) = (name, shape, op)
    }
  }
  static func apply(_ op: any Op, _ inputs: Tensor?...) throws -> Tensor { try Tensor.apply(op, to: inputs)[0] }

  static let cases = [
    Case("DFT", [2, 6, 2]) { try apply(DFTOp(axis: 1), $0) },
    Case("DFT of real", [2, 6, 1]) { try apply(DFTOp(axis: 1), $0) },
    Case("DFT onesided", [2, 7, 1]) { try apply(DFTOp(axis: 1, onesided: true), $0) },
    Case("DFT cut", [2, 7, 1]) { try apply(DFTOp(axis: 1, onesided: true), $0, Tensor([Int64(5)], shape: [])) },
    Case("DFT longer", [2, 4, 2]) { try apply(DFTOp(axis: 1), $0, Tensor([Int64(9)], shape: [])) },
    Case("DFT inverse", [2, 6, 2]) { try apply(DFTOp(axis: 1, inverse: true), $0) },
    Case("STFT", [2, 13, 1]) { try apply(STFTOp(), $0, Tensor([Int64(3)], shape: []), Tensor([Float(0.5), 1, 2, 1])) },
    Case("Col2Im", [2, 3 * 4, 12]) {
      try apply(Col2ImOp(before: [0, 1], after: [0, 0]), $0, ints(4, 4), ints(2, 2))
    },
    Case("Col2Im strides", [1, 2 * 6, 4]) {
      try apply(Col2ImOp(strides: [2, 1], dilations: [1, 2]), $0, ints(4, 6), ints(2, 3))
    },
    Case("CenterCropPad", [5, 4]) { try apply(CenterCropPadOp(), $0, ints(2, 7)) },
    Case("Resize cubic", [2, 5, 4]) { try apply(ResizeOp(mode: .cubic, axes: [1, 2]), $0, nil, nil, ints(9, 3)) },
    Case("Resize antialiased", [7, 5]) { try apply(ResizeOp(mode: .linear, antialias: true), $0, nil, nil, ints(3, 4)) },
    Case("Resize by scales", [4, 5]) { try apply(ResizeOp(mode: .linear), $0, nil, Tensor([Float(1.5), 0.7])) },
    Case("AffineGrid", [2, 2, 3]) { try apply(AffineGridOp(), $0, ints(2, 1, 3, 4)) },
    Case("ReverseSequence", [4, 3, 2]) { try apply(ReverseSequenceOp(), $0, ints(2, 4, 1)) },
    Case("Compress", [4, 3]) { try apply(CompressOp(axis: 0), $0, Tensor.constant([true, false, true, true])) },
    Case("SpaceToBatch", [1, 4, 6, 2]) { try apply(SpaceToBatchOp(block: [2, 3]), $0, Tensor([Int64(0), 0, 0, 0], shape: [2, 2])) },
    Case("Wrap", [3, 4]) { try apply(PadOp(mode: .wrap), $0, ints(1, 2, 2, 1)) },
    Case("Cut by padding", [5, 4]) { try apply(PadOp(), $0, ints(-1, 1, -2, -1)) },
  ]

  @Test(arguments: cases) func gradientsAreTransposes(_ item: Case) throws {
    let x = try Tensor.random.normal(item.shape, seed: 1)
    let tape = GradientTape()
    tape.watch(x)
    let y = try tape.record { try item.op(x) }
    let zero = try item.op(Tensor.zeros(item.shape))
    let g = try Tensor.random.normal(y.shape, seed: 2)
    let gradient = try #require(try tape.gradient(of: [y], with: [x], outputGradients: [g])[0])
    #expect(gradient.shape == x.shape)
    let left = try ((y - zero) * g).reduceSum().item(), right = try (x * gradient).reduceSum().item()
    #expect(abs(left - right) <= 1e-4 * max(1, abs(left)), "\(left) \(right)")
  }
}
