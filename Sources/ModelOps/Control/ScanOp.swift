import ModelGraph
import ModelTensor

/// ONNX's Scan: a fold over slices of its inputs.
///
/// Inputs: `stateCount` states, one tensor for each of `inputAxes`, captures. Body 0 takes the states, one slice of each
/// tensor, and the captures, and gives the states and one slice for each of `scanTypes`. Results: the states at
/// the end, then the slices stacked along `outputAxes`. A reversed input is read, a reversed output written, from
/// behind.
public struct ScanOp: BodyOp {
  public static let name = "Scan"
  public static let family = OpFamily.control
  public var stateCount: Int
  public var inputAxes: [Int]
  public var inputsReversed: [Bool]
  public var outputAxes: [Int]
  public var outputsReversed: [Bool]
  /// The types of the slices that the body gives.
  public var scanTypes: [TensorType]
  public init(
    stateCount: Int, inputAxes: [Int], inputsReversed: [Bool], outputAxes: [Int], outputsReversed: [Bool],
    scanTypes: [TensorType]
  ) {
    self.stateCount = stateCount
    self.inputAxes = inputAxes
    self.inputsReversed = inputsReversed
    self.outputAxes = outputAxes
    self.outputsReversed = outputsReversed
    self.scanTypes = scanTypes
  }
  private var isConsistent: Bool {
    stateCount >= 0 && inputsReversed.count == inputAxes.count && outputAxes.count == scanTypes.count
      && outputsReversed.count == scanTypes.count && !inputAxes.isEmpty
  }
  public func infer(_ inputs: [Fact?], bodies: [Graph]) throws -> [TensorType] {
    try requireBodies(bodies, 1, inputs: inputs.count)
    let types = bodies[0].outputTypes
    guard isConsistent, inputs.count >= stateCount + inputAxes.count, types.count == stateCount + scanTypes.count else {
      throw GraphError(.invalidStructure, "Scan with \(inputs.count) inputs and \(types.count) body outputs")
    }
    let states = try (0..<stateCount).map { try merged(try inputs.required($0, of: self).type, types[$0]) }
    var length = Dim.unknown
    for (index, axis) in inputAxes.enumerated() {
      guard let dims = try inputs.required(stateCount + index, of: self).type.shape.dims else { continue }
      let axis = try indexedAxis(axis, rank: dims.count)
      if axis < dims.count, dims[axis] != .unknown { length = dims[axis] }
    }
    let scans = try zip(types.dropFirst(stateCount), outputAxes).map { type, axis in
      guard var dims = type.shape.dims else { return TensorType(type.dtype, .unranked) }
      dims.insert(length, at: try indexedAxis(axis, rank: dims.count + 1))
      return TensorType(type.dtype, .ranked(dims))
    }
    return states + scans
  }

  public func evaluate(_ inputs: [NDArray?], bodies: Int, in context: ExecutionContext) throws -> [NDArray] {
    guard isConsistent, inputs.count >= stateCount + inputAxes.count else {
      throw ExecutionError(.invalidInput, "Scan with \(inputs.count) inputs")
    }
    var states = try (0..<stateCount).map { try inputs.required($0, of: self) }
    // The scanned axis first, so that a slice is a view.
    var length: Int?
    let tensors = try inputAxes.enumerated().map { index, axis in
      let x = try inputs.required(stateCount + index, of: self)
      let axis = try indexedAxis(axis, rank: x.rank)
      guard axis < x.rank, length == nil || length == x.shape[axis] else {
        throw ExecutionError(.shapeMismatch, "Scan of \(x.type) along axis \(axis), others have \(length ?? 0) slices")
      }
      length = x.shape[axis]
      if axis == 0 { return x }
      return try StridedView(x).permuted([axis] + x.shape.indices.filter { $0 != axis }).copy(in: context)
    }
    let captures = try inputs.indices.dropFirst(stateCount + inputAxes.count).map { try inputs.required($0, of: self) }
    let count = length ?? 0
    var collector = ScanCollector(scanTypes.count)
    for step in 0..<count {
      let slices = tensors.enumerated().map { index, tensor in
        let row = inputsReversed[index] ? count - 1 - step : step
        return tensor.slice(row..<(row + 1)).reshaped(Array(tensor.shape.dropFirst()))
      }
      let results = try runBody(0, states + slices + captures, in: context)
      guard results.count == stateCount + scanTypes.count else {
        throw ExecutionError(.invalidInput, "Scan: the body gives \(results.count) values")
      }
      states = Array(results[..<stateCount])
      try collector.append(results[stateCount...], op: self, in: context)
    }
    let stacks = try collector.stacked(scanTypes, in: context).enumerated().map { index, stack in
      var result = stack
      if outputsReversed[index] { result = try ReverseOp(axes: [0]).evaluate([result], in: context)[0] }
      let axis = try indexedAxis(outputAxes[index], rank: stack.rank)
      if axis == 0 { return result }
      var order = Array(1..<stack.rank)
      order.insert(0, at: axis)
      return try StridedView(result).permuted(order).copy(in: context)
    }
    return states + stacks
  }
}
