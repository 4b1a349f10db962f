import ModelGraph
import ModelOps
import ModelTensor

/// `activation(einsum(equation, x, kernel) + bias)`.
///
/// Weights: `kernel`, whose axes the equation names, and `bias`, whose axes `biasAxes` names (Keras
/// keeps axes of extent 1 behind the first of them).
public struct EinsumDense: ConfigurableLayer {
  public static let className = "EinsumDense"
  /// `ab,bc->ac`, `...b,bc->...c` or `ab...,bc->ac...`.
  public var equation = "ab,bc->ac"
  /// Without the batch; `nil` stands for an extent that the input decides.
  public var outputShape: [Int?] = []
  public var activation = Activation.linear
  public var biasAxes: String?
  public init() {}
  public init(equation: String, outputShape: [Int?], biasAxes: String? = nil, activation: Activation = .linear) {
    self.equation = equation
    self.outputShape = outputShape
    self.biasAxes = biasAxes
    self.activation = activation
  }

  /// The equation's letters, without dots, and on which side the dots were.
  private struct Parts {
    var input: [Character] = [], kernel: [Character] = [], output: [Character] = []
    var elidesLeft = false, elidesRight = false
  }
  private func parts() throws -> Parts {
    let text = equation.filter { $0 != " " }
    let pieces = text.split(separator: ",", omittingEmptySubsequences: false)
    guard pieces.count == 2 else { throw malformed }
    let right = pieces[1].split(separator: ">", omittingEmptySubsequences: false)
    guard right.count == 2, right[0].last == "-" else { throw malformed }
    var result = Parts()
    result.elidesLeft = pieces[0].hasPrefix("...")
    result.elidesRight = !result.elidesLeft && pieces[0].hasSuffix("...")
    result.input = pieces[0].filter { $0 != "." }
    result.kernel = right[0].filter { $0 != "-" && $0 != "." }
    result.output = right[1].filter { $0 != "." }
    guard !result.input.isEmpty, !result.kernel.isEmpty, !result.output.isEmpty, equation.utf8.count < 200 else { throw malformed }
    return result
  }
  private var malformed: GraphError {
    GraphError(.invalidAttribute, "EinsumDense: the equation '\(equation)' is not of the form ab,bc->ac")
  }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let parts = try parts(), dims = try dims(inputs)
    let elided = dims.count - parts.input.count
    guard elided >= 0, elided == 0 || parts.elidesLeft || parts.elidesRight else {
      throw GraphError(.shapeMismatch, "EinsumDense: '\(equation)' of an input of rank \(dims.count)")
    }
    let shift = parts.elidesLeft ? elided : 0
    var full: [Int?] = [dims.first?.value] + outputShape
    if parts.elidesLeft, elided > 1 { full.insert(contentsOf: dims[1..<elided].map(\.value), at: 1) }
    func size(_ letter: Character) throws -> Int {
      if let i = parts.output.firstIndex(of: letter), i + shift < full.count, let value = full[i + shift] { return value }
      if let i = parts.input.firstIndex(of: letter), i + shift < dims.count, let value = dims[i + shift].value { return value }
      throw GraphError(.missingType, "EinsumDense: the extent of '\(letter)' in '\(equation)' is unknown")
    }
    let kernel = WeightSpec("kernel", try checked(try parts.kernel.map(size)), path: "vars/0")
    guard let biasAxes, !biasAxes.isEmpty else { return [kernel] }
    guard let start = parts.output.firstIndex(where: { biasAxes.contains($0) }) else {
      throw GraphError(.invalidAttribute, "EinsumDense: bias axes '\(biasAxes)' are not in '\(equation)'")
    }
    var shape = try parts.output[start...].map { biasAxes.contains($0) ? try size($0) : 1 }
    if !parts.elidesLeft { shape += Array(repeating: 1, count: elided) }
    return [kernel, WeightSpec("bias", try checked(shape), path: "vars/1")]
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var y = try context.apply(EinsumOp(equation: equation), try call.input(), try call.weight(0))
    if let biasAxes, !biasAxes.isEmpty { y = try context.add(y, try call.weight(1)) }
    return [try activation.apply(y, in: &context)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
