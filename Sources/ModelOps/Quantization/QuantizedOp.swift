import ModelGraph
import ModelSupport
import ModelTensor
import RealModule

/// An op on integers that stand for real numbers: what `op` computes of the real ones, quantised again.
///
///     x int8 ── Quantized(Conv, relu6) ── y int8      computes as      x ── DequantizeLinear ── Conv ── Clip ── QuantizeLinear ── y
///               w int8, b int32                                        w, b ── DequantizeLinear ┘
///
/// Inputs and results are those of `op`, as plain integer tensors of the dtypes that `inputs` and `outputs` name; `nil`
/// stands for a tensor that is no quantised one: indices, shapes, booleans, and floats on one side of a conversion.
///
/// Executed, it is LiteRT's reference kernel for integers, bit by bit (see `IntegerKernel`); written for a target that has no
/// word for it, it is what is drawn above. Which op stands for which builtin operator of LiteRT is written in
/// `docs/numerics.md`. A conversion (QUANTIZE, DEQUANTIZE, and requantisation) is `IdentityOp`, an activation alone
/// (RELU, RELU6, …) `IdentityOp` with that activation.
public struct QuantizedOp: PrimitiveOp, WrappingOp {
  public static let name = "Quantized"
  public static let family = OpFamily.quantization
  public var op: any Op
  public var activation: FusedActivation
  public var inputs: [QuantizedType?]
  public var outputs: [QuantizedType?]
  public init(_ op: any Op, activation: FusedActivation = .none, inputs: [QuantizedType?], outputs: [QuantizedType?]) {
    self.op = op
    self.activation = activation
    self.inputs = inputs
    self.outputs = outputs
  }

  public var displayName: String { "Quantized\(op.displayName)" }
  public var attributes: [(name: String, value: AttributeValue)] {
    var list = op.attributes
    if activation != .none { list.append(("activation", activation.attributeValue)) }
    list.append(("inputs", .list(inputs.map(\.attributeValue))))
    list.append(("outputs", .list(outputs.map(\.attributeValue))))
    return list
  }

  private func input(_ index: Int) -> QuantizedType? { index < inputs.count ? inputs[index] : nil }
  /// How an input of a dtype is quantised. A bias may leave that out: it follows from what is multiplied.
  public func quantization(ofInput index: Int, dtype: DType) -> QuantizedType? {
    if let known = input(index) { return known }
    guard index == 2, dtype == .int32 || dtype == .int64, op is ConvOp || op is ConvTransposeOp || op is FullyConnectedOp,
      let x = input(0), let w = input(1)
    else { return nil }
    return .bias(dtype, of: x, and: w)
  }
  private func output(_ index: Int) -> QuantizedType? { index < outputs.count ? outputs[index] : nil }

  /// The types that `op` infers for the real numbers, stored as `outputs` says.
  public func infer(_ facts: [Fact?]) throws -> [TensorType] {
    let real = try facts.enumerated().map { index, fact -> Fact? in
      guard let fact, let stored = quantization(ofInput: index, dtype: fact.type.dtype) else { return fact }
      guard fact.type.dtype == stored.dtype else {
        throw GraphError(.wrongDType, "\(displayName): input \(index) is \(fact.type), its quantisation is of \(stored.dtype)")
      }
      return Fact(TensorType(.float32, fact.type.shape))
    }
    return try op.infer(real).enumerated().map { index, type in
      guard let stored = output(index) else { return type }
      return TensorType(stored.dtype, type.shape, quantization: stored.quantization)
    }
  }
  public func inferElements(_ facts: [Fact?]) -> [[Dim]?] { [] }

  /// Whether tensors around it are floats: an operator that only keeps its activation.
  public var isFloat: Bool { inputs.allSatisfy { $0 == nil } && outputs.allSatisfy { $0 == nil } }

  /// Whether the engine can compute it.
  public var hasKernel: Bool { op is any IntegerKernel || isFloat }

  /// The integer kernel of `op`.
  /// - Throws: `UnsupportedError` when there is none: floats in between would give other numbers than LiteRT.
  public func evaluate(_ arrays: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    if isFloat {
      var eager = EagerContext(context)
      return try float(arrays, in: &eager)
    }
    if let last = channelsLast { return try last.evaluateMoved(arrays, in: context) }
    guard let kernel = op as? any IntegerKernel else {
      throw UnsupportedError("the engine can't run:", items: [.init(displayName, reason: "no kernel for integers")])
    }
    for (index, array) in arrays.enumerated() {
      guard let array, let stored = input(index), array.dtype != stored.dtype else { continue }
      throw ExecutionError(.invalidInput, "\(displayName): input \(index) is \(array.dtype), expected \(stored.dtype)")
    }
    return try kernel.evaluateIntegers(
      arrays, IntegerTypes(inputs: inputs, outputs: outputs, activation: activation), in: context)
  }

  /// Every quantised input as a float, `op`, the activation, and every quantised result quantised again.
  public func decompose<C: OpContext>(_ values: [C.Value?], in context: inout C) throws -> [C.Value] {
    let real = try values.enumerated().map { index, value -> C.Value? in
      guard let value, let type = quantization(ofInput: index, dtype: context.type(of: value).dtype) else { return value }
      return try context.dequantize(value, type)
    }
    return try float(real, in: &context).enumerated().map { index, value in
      try output(index).map { try context.quantize(value, to: $0) } ?? value
    }
  }

  /// `op` and its activation on real numbers.
  public func float<C: OpContext>(_ values: [C.Value?], in context: inout C) throws -> [C.Value] {
    var values = values
    if op is LogOp, input(0) != nil, let result = output(0), let least = result.leastReal, let x = values.first ?? nil {
      // What has no logarithm, or less than the result can say, gives the least number that it can.
      values[0] = try context.maximum(x, try context.scalar(Double(Float.exp(least)), like: x))
    }
    var results = try context.apply(op, to: values)
    if let first = results.first, activation != .none { results[0] = try activation.apply(to: first, in: &context) }
    return results
  }
}

extension OpContext {
  /// What stored numbers stand for, as float32.
  public mutating func dequantize(_ x: Value, _ type: QuantizedType) throws -> Value {
    let scales = try self.scales(of: type, for: x)
    // No format dequantises int64, the bias of 16-bit activations.
    if type.dtype == .int64 { return try mul(try cast(x, to: .float32), scales) }
    // A zero point of 0 tells the dtype: ONNX Runtime, which moves transpositions across, quantises to uint8 without one.
    let isStated = type.hasZeroPoints || (!type.isPerAxis && type.dtype != .int32)
    let zeros = isStated ? try zeroPoints(of: type, like: scales) : nil
    return try apply(DequantizeLinearOp(axis: type.quantization.axis ?? 0, blockSize: type.quantization.block ?? 0), x, scales, zeros)
  }

  /// The stored numbers nearest to `x`.
  public mutating func quantize(_ x: Value, to type: QuantizedType) throws -> Value {
    let scales = try self.scales(of: type, for: x)
    let zeros = try zeroPoints(of: type, like: scales)
    let op = QuantizeLinearOp(axis: type.quantization.axis ?? 0, blockSize: type.quantization.block ?? 0, dtype: type.dtype)
    return try apply(op, x, scales, zeros)
  }

  private func scaleShape(of type: QuantizedType, for x: Value) throws -> [Int] {
    let scales = type.quantization.scales
    guard scales.count > 1 else { return [] }
    guard let block = type.quantization.block, block > 0 else { return [scales.count] }
    guard var shape = self.type(of: x).shape.extents, let axis = type.quantization.axis, shape.indices.contains(axis) else {
      throw GraphError(.missingType, "a value quantised in blocks has an unknown shape")
    }
    shape[axis] = (shape[axis] + block - 1) / block
    guard checkedProduct(shape) == scales.count else {
      throw GraphError(.shapeMismatch, "\(scales.count) scales for blocks of \(shape)")
    }
    return shape
  }
  private mutating func scales(of type: QuantizedType, for x: Value) throws -> Value {
    try constant(NDArray(type.quantization.scales, try scaleShape(of: type, for: x)))
  }
  private mutating func zeroPoints(of type: QuantizedType, like scales: Value) throws -> Value {
    let shape = self.type(of: scales).shape.extents ?? [], count = type.quantization.scales.count
    var values = type.quantization.zeroPoints
    if values.count != count { values = Array(repeating: values.first ?? 0, count: count) }
    let wide = NDArray(values, shape)
    return try constant(try wide.cast(to: type.dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
  }
}

extension QuantizedType {
  /// The least real number that the stored integers of one scale stand for.
  fileprivate var leastReal: Float? {
    guard quantization.scales.count == 1, let scale = quantization.scales.first, dtype == .int8 || dtype == .uint8 || dtype == .int16
    else { return nil }
    let stored: Double = dtype == .uint8 ? 0 : dtype == .int8 ? -128 : -32768
    return Float((stored - Double(quantization.zeroPoints.first ?? 0)) * Double(scale))
  }
}
