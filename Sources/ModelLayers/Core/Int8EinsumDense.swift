import ModelGraph
import ModelOps
import ModelTensor

/// An `EinsumDense` in int8: inputs are put on a grid along the axes that the equation contracts.
///
/// Weights: `kernel` of int8, `bias` if there is one, and `kernel_scale`, which has the result's axes: extents of the
/// kernel where it names them, else 1.
public struct Int8EinsumDense: Int8Layer {
  public static let className = "EinsumDense"
  public var base = EinsumDense()
  public var quantizesInputs = true
  public init() {}

  /// The equation's letters; dots as they stand.
  private var letters: (input: [Character], kernel: [Character], output: [Character]) {
    let sides = equation.split(separator: ">", omittingEmptySubsequences: false)
    let factors = (sides.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let pick = { (text: Substring?) in (text ?? "").filter { $0.isLetter }.map { $0 } }
    return (pick(factors.first), pick(factors.dropFirst().first), pick(sides.dropFirst().first))
  }
  private var equation: String { base.equation.filter { $0 != " " } }
  private var elidesRight: Bool { !equation.hasPrefix("...") && equation.contains("...") }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let weights = try base.weights(for: inputs), letters = letters
    guard let kernel = weights.first, kernel.shape.count == letters.kernel.count, let dims = inputs.first?.shape.dims else {
      throw GraphError(.missingType, "EinsumDense: the rank of its input is unknown")
    }
    let elided = Array(repeating: 1, count: max(0, dims.count - letters.input.count))
    let named = letters.output.map { letter in letters.kernel.firstIndex(of: letter).map { kernel.shape[$0] } ?? 1 }
    return int8Weights(weights, scales: ("kernel_scale", elidesRight ? named + elided : elided + named))
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    let letters = letters
    if quantizesInputs {
      // Counted from the side where no axes are left out.
      let count = letters.input.count
      let axes = letters.input.indices.filter { !letters.output.contains(letters.input[$0]) }.map { elidesRight ? $0 : $0 - count }
      x = try context.onInt8Grid(x, axes: axes)
    }
    let hasBias = base.biasAxes.map { !$0.isEmpty } ?? false
    var y = try context.apply(EinsumOp(equation: base.equation), x, try context.int8Weight(try call.weight(0), like: x))
    y = try context.div(y, try call.weight(hasBias ? 2 : 1))
    if hasBias { y = try context.add(y, try call.weight(1)) }
    return [try base.activation.apply(y, in: &context)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
