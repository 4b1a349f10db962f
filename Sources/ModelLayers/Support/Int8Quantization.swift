import ModelGraph
import ModelOps
import ModelTensor

/// A layer as Keras 3 quantises it to eight bits (`QuantizedDTypePolicy` of mode `int8`): integer weights with a scale for
/// each output, and inputs put on a grid of their own in every call.
///
/// Keras multiplies integers and divides what comes out by both scales. Here each factor is divided first: every
/// product and sum of the integers is exact in float32 as long as they are short, and a target needs no integer operators.
public protocol Int8Layer: ConfigurableLayer {
  /// The same layer before it was quantised.
  associatedtype Base: ConfigurableLayer
  var base: Base { get set }
  /// Whether inputs are quantised too (Keras's `activation_quantizer`).
  var quantizesInputs: Bool { get set }
}

extension Int8Layer {
  /// The weights of the base with an integer `weight` and, behind them, its scales.
  func int8Weights(_ weights: [WeightSpec], scales: (name: String, shape: [Int])) -> [WeightSpec] {
    var result = weights
    if !result.isEmpty {
      result[0].dtype = .int8
      result[0].isTrainable = false
    }
    return result + [WeightSpec(scales.name, scales.shape, isTrainable: false, path: "vars/\(weights.count)")]
  }
}

extension OpContext {
  /// `x` on the grid that its greatest magnitude along `axes` gives: `round(x · s) / s` with `s = 127 / (max |x| + 1e-7)`
  /// (Keras's `AbsMaxQuantizer`).
  mutating func onInt8Grid(_ x: Value, axes: [Int]) throws -> Value {
    let largest = try reduce(.max, try apply(AbsOp(), x), axes: axes, keepDims: true)
    let scale = try div(try scalar(127, like: x), try add(largest, try scalar(1e-7, like: x)))
    let rounded = try apply(RoundOp(), try mul(x, scale))
    return try div(try clip(rounded, min: -127, max: 127), scale)
  }

  /// Integers of a file as the float dtype of `other`.
  mutating func int8Weight(_ weight: Value, like other: Value) throws -> Value { try cast(weight, to: type(of: other).dtype) }
}
