import ModelGraph
import ModelOps
import ModelTensor

/// A layer as Keras 3 quantises it to four bits (`Int4DTypePolicy`): two integers to a byte along the last axis, with scales
/// for each output, or, by `blockSize`, scales and zero points for each group of inputs too. Inputs stay as they are.
///
/// Weights: those of the base, the first of them `[rows, ⌈columns / 2⌉]` of int8, then its scales and, with groups, its zero
/// points and the group of each input (`keras/src/quantizers/quantizers.py`).
public protocol Int4Layer: ConfigurableLayer {
  associatedtype Base: ConfigurableLayer
  var base: Base { get set }
  /// So many inputs have a scale in common; `nil`: all of them.
  var blockSize: Int? { get set }
}

extension Int4Layer {
  /// - Parameter isByRow: whether groups lie along the columns, as in a table whose rows are picked.
  func int4Weights(_ weights: [WeightSpec], rows: Int, columns: Int, isByRow: Bool = false) throws -> [WeightSpec] {
    guard let first = weights.first, rows > 0, columns > 0 else {
      throw GraphError(.invalidAttribute, "\(Self.className): a kernel of \(rows) rows and \(columns) columns")
    }
    var packed = WeightSpec(first.name, try checked([rows, columns / 2 + columns % 2]), isTrainable: false, path: first.path)
    packed.dtype = .int8
    var result = [packed] + weights.dropFirst()
    func add(_ name: String, _ shape: [Int], _ dtype: DType? = nil) {
      result.append(WeightSpec(name, shape, isTrainable: false, path: "vars/\(result.count)", dtype: dtype))
    }
    guard let blockSize else {
      add("\(first.name)_scale", [isByRow ? rows : columns])
      return result
    }
    let length = isByRow ? columns : rows, groups = (length - 1) / max(1, blockSize) + 1
    let shape = isByRow ? [rows, groups] : [groups, columns]
    add("\(first.name)_scale", shape)
    add("\(first.name)_zero", shape, .int8)
    add("g_idx", [length], .float32)
    return result
  }
}

extension OpContext {
  /// A matrix `[rows, columns]` of floats from two integers a byte: the first of each pair in the lower half.
  ///
  /// - Parameter behind: the scales and what follows them.
  mutating func fromInt4(_ packed: Value, columns: Int, _ behind: ArraySlice<Value>, isByRow: Bool = false) throws -> Value {
    guard let scale = behind.first else { throw GraphError(.wrongInputCount, "scales are missing") }
    let bytes = try cast(packed, to: dtype(of: scale))
    let sixteen = try scalar(16, like: bytes)
    // Of a signed byte the upper half is signed; the lower one is from 0 to 15.
    let upper = try apply(FloorOp(), try div(bytes, sixteen))
    let rest = try sub(bytes, try mul(upper, sixteen))
    let lower = try sub(rest, try mul(try apply(FloorOp(), try div(rest, try scalar(8, like: rest))), sixteen))
    let pairs = try concat([try unsqueeze(lower, [2]), try unsqueeze(upper, [2])], axis: 2)
    let rows = try extents(of: packed)
    guard rows.count == 2 else { throw GraphError(.shapeMismatch, "packed integers of rank \(rows.count)") }
    var whole = try reshape(pairs, [rows[0], 2 * rows[1]])
    if columns != 2 * rows[1] { whole = try slice(whole, axis: 1, start: 0, end: columns) }
    guard behind.count >= 3 else { return try div(whole, isByRow ? try unsqueeze(scale, [1]) : scale) }
    let axis = isByRow ? 1 : 0, groups = try cast(behind[behind.startIndex + 2], to: .int32)
    let zero = try cast(behind[behind.startIndex + 1], to: dtype(of: scale))
    return try mul(try sub(whole, try gather(zero, groups, axis: axis)), try gather(scale, groups, axis: axis))
  }
}

/// A `Dense` whose kernel has four bits.
public struct Int4Dense: Int4Layer {
  public static let className = "Dense"
  public var base = Dense()
  public var blockSize: Int?
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let weights = try base.weights(for: inputs)
    return try int4Weights(weights, rows: weights.first?.shape.first ?? 0, columns: base.units)
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let behind = call.weights.dropFirst(base.useBias ? 2 : 1)
    var inner = call
    inner.weights = [try context.fromInt4(try call.weight(0), columns: base.units, behind)] + (base.useBias ? [try call.weight(1)] : [])
    return try base.call(inner, in: &context)
  }
}

/// An `EinsumDense` whose kernel has four bits: a matrix of the contracted axes by all others, whatever their order.
public struct Int4EinsumDense: Int4Layer {
  public static let className = "EinsumDense"
  public var base = EinsumDense()
  public var blockSize: Int?
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let weights = try base.weights(for: inputs), (rows, columns) = try matrix(try kernelShape(inputs))
    return try int4Weights(weights, rows: rows, columns: columns)
  }

  private func kernelShape(_ inputs: [TensorType]) throws -> [Int] { try base.weights(for: inputs).first?.shape ?? [] }

  private func matrix(_ shape: [Int]) throws -> (rows: Int, columns: Int) {
    let sides = base.equation.split(separator: ">", omittingEmptySubsequences: false)
    let kernel = (sides.first ?? "").split(separator: ",").last?.filter(\.isLetter) ?? "", output = sides.last ?? ""
    guard kernel.count == shape.count else { throw GraphError(.invalidAttribute, "EinsumDense: the equation '\(base.equation)'") }
    return zip(kernel, shape).reduce((1, 1)) { output.contains($1.0) ? ($0.0, $0.1 * $1.1) : ($0.0 * $1.1, $0.1) }
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let shape = try kernelShape([context.type(of: try call.input())]), hasBias = base.biasAxes.map { !$0.isEmpty } ?? false
    let kernel = try context.fromInt4(
      try call.weight(0), columns: try matrix(shape).columns, call.weights.dropFirst(hasBias ? 2 : 1))
    var inner = call
    inner.weights = [try context.reshape(kernel, shape)] + (hasBias ? [try call.weight(1)] : [])
    return try base.call(inner, in: &context)
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

/// An `Embedding` whose table has four bits: each row has its scales.
public struct Int4Embedding: Int4Layer {
  public static let className = "Embedding"
  public var base = Embedding()
  public var blockSize: Int?
  public init() {}

  public var castsInputs: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    try int4Weights(try base.weights(for: inputs), rows: base.inputDim, columns: base.outputDim, isByRow: true)
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var inner = call
    inner.weights = [
      try context.fromInt4(try call.weight(0), columns: base.outputDim, call.weights.dropFirst(), isByRow: true)
    ]
    return try base.call(inner, in: &context)
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    try base.mask(call, in: &context)
  }
}
