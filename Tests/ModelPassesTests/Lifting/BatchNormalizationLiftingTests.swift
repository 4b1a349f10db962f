import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor
import Testing

@Suite struct BatchNormalizationLiftingTests {
  private func array(_ shape: [Int]) -> NDArray {
    var noise = Noise(4)
    return noise.array(shape)
  }

  /// `x · gamma/√(variance + ε) + (beta − mean · …)` over weights, with and without gamma and beta.
  @Test(arguments: [(true, true), (false, true), (true, false), (false, false)])
  func statisticsComeBack(scales: Bool, shifts: Bool) throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 5, 4]), mean = m.weight("mean", [4])
    let variance = m.context.graph.addParameter(
      m.context.model.add(Parameter(name: "variance", tensor: Tensor(NDArray([0.5, 1, 2, 3] as [Float], [4])))), of: m.context.model)
    let epsilon = try m.context.constant(NDArray(scalar: Float(0.01)))
    var inverse = try m.node(RsqrtOp(), [try m.node(AddOp(), [variance, epsilon], "bn/batchnorm/add")], "bn/batchnorm/Rsqrt")
    if scales { inverse = try m.node(MulOp(), [inverse, m.weight("gamma", [4])], "bn/batchnorm/mul") }
    let scaled = try m.node(MulOp(), [x, inverse], "bn/batchnorm/mul_1")
    let shift: ValueID
    if shifts {
      let product = try m.node(MulOp(), [mean, inverse], "bn/batchnorm/mul_2")
      shift = try m.node(SubOp(), [m.weight("beta", [4]), product], "bn/batchnorm/sub")
    } else {
      shift = try m.node(MulOp(), [try m.node(NegOp(), [mean], "bn/batchnorm/Neg"), inverse], "bn/batchnorm/mul_2")
    }
    let y = try m.node(AddOp(), [scaled, shift], "bn/batchnorm/add_1")
    #expect(try m.check([y], [array([2, 5, 4])]) == ["BatchNormalization"])
  }

  @Test func factorAndSummandForEachChannel() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 6, 6, 3])
    let product = try m.node(MulOp(), [m.weight("scale", [3]), x], "bn/mul")
    let y = try m.node(AddOp(), [product, m.weight("shift", [1, 1, 1, 3])], "bn/add")
    #expect(try m.check([y], [array([2, 6, 6, 3])]) == ["BatchNormalization"])
  }

  @Test func numbersAreRescaling() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 6])
    let difference = try m.node(SubOp(), [x, try m.context.constant(NDArray(scalar: Float(1.5)))], "sub")
    let y = try m.node(DivOp(), [difference, try m.context.constant(NDArray(scalar: Float(-4)))], "div")
    let one = try m.context.constant(NDArray(scalar: Float(1)))
    let z = try m.node(SubOp(), [one, y], "rest")
    #expect(try m.check([y, z], [array([2, 6])]) == ["Rescaling", "Rescaling"])
  }

  /// A product alone is no normalisation, and one that a sum in between is used elsewhere is not taken apart.
  @Test func othersStay() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 4])
    let product = try m.node(MulOp(), [x, m.weight("scale", [4])], "mul")
    let sum = try m.node(AddOp(), [product, m.weight("shift", [4])], "add")
    #expect(try m.check([product, sum], [array([2, 4])]) == ["Mul", "Add"])
  }
}
