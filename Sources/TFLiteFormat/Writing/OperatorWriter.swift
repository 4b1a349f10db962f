import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Where a rule puts the operators of the op it writes. As an `OpContext` it writes canonical ops by their own rules.
struct OperatorWriter: OpContext {
  let frame: SubgraphFrame
  let library: WrittenSubgraphs
  let rules: WritingTable
  /// The name of the op's node: its first result is called so.
  var nodeName: String
  /// Writes body `index` of the op being written into a writer, on these inputs; `nil` where there are no bodies.
  var inliner: ((_ index: Int, _ inputs: [OutValue], _ writer: inout OperatorWriter) throws -> [OutValue])?
  private var depth = 0
  /// Whether an op on quantised tensors is being written: integers with scales pass for the floats they stand for.
  var isQuantized = false
  /// Whether what loops collect starts as zeros made of what they walk over, so that its size is known before anything runs: for loops
  /// whose results have the batch of their inputs.
  var isStatic = false
  /// Whether the subgraph is one that an operator runs: what passes its border has no scales.
  private(set) var isInside = false

  init(frame: SubgraphFrame, library: WrittenSubgraphs, rules: WritingTable = .all, nodeName: String = "") {
    self.frame = frame
    self.library = library
    self.rules = rules
    self.nodeName = nodeName
  }

  /// A writer for a subgraph inside the op being written.
  func nested(_ label: String) -> OperatorWriter {
    var inner = OperatorWriter(frame: SubgraphFrame(), library: library, rules: rules, nodeName: nodeName + "/" + label)
    inner.inliner = inliner
    inner.depth = depth
    inner.isInside = true
    return inner
  }

  // MARK: Operators

  /// Emits an operator and gives its first result, of `resultType` or of the type of its first input.
  mutating func emit(
    _ builtin: BuiltinOperator, _ inputs: [OutValue?], _ options: BuiltinOptions = .none, as resultType: TensorType? = nil
  ) throws -> OutValue {
    let fallback = (inputs.first ?? nil)?.type ?? TensorType(.float32, .unranked)
    guard let first = try emit(builtin, inputs, options, types: [resultType ?? fallback]).first else {
      throw GraphError(.invalidStructure, "\(builtin.name) has no result")
    }
    return first
  }

  /// Emits an operator and gives its results: as many as `types`.
  mutating func emit(
    _ builtin: BuiltinOperator, _ inputs: [OutValue?], _ options: BuiltinOptions = .none, types: [TensorType]
  ) throws -> [OutValue] {
    for type in types where TFLiteDTypes.wire(type.dtype) == nil { throw UnsupportedError("TFLite has no dtype \(type.dtype)") }
    try refusePairs(inputs.compactMap { $0 })
    let inputs = inputs.map { $0.map { frame.localize($0).index } ?? -1 }
    // What was read from a file is called after its operator already.
    let name = nodeName.hasSuffix("/" + builtin.name) ? nodeName : "\(nodeName)/\(builtin.name)"
    let results = types.map { frame.add(TensorType($0.dtype, $0.shape, quantization: $0.quantization), name) }
    frame.steps.append(SubgraphFrame.Step(builtin: builtin, inputs: inputs, outputs: results.map(\.index), options: options))
    return results
  }

  // MARK: Ops

  mutating func apply(_ op: any Op, to inputs: [OutValue?]) throws -> [OutValue] {
    let types = (try? op.infer(inputs.map { $0?.fact })) ?? []
    let elements = op.inferElements(inputs.map { $0?.fact })
    return try write(op, inputs).enumerated().map { index, result in
      guard index < types.count else { return result }
      return refined(result, types[index], elements: index < elements.count ? elements[index] : nil)
    }
  }

  /// The value with what else is known of it, in its tensor's entry too.
  func refined(_ value: OutValue, _ type: TensorType, elements: [Dim]? = nil) -> OutValue {
    var value = value
    var known = value.type
    if known.dtype == type.dtype { known.shape = Self.refined(known.shape, type.shape) }
    value.fact = Fact(known, constant: value.fact.constant, elements: elements ?? value.fact.elements)
    if value.frame == frame.id, frame.entries[value.index].constant == nil { frame.entries[value.index].type.shape = known.shape }
    return value
  }

  private static func refined(_ a: Shape, _ b: Shape) -> Shape {
    guard let x = a.dims else { return b }
    guard let y = b.dims, x.count == y.count else { return a }
    return .ranked(zip(x, y).map { $0.value != nil ? $0 : $1 })
  }

  /// Writes an op by its rule, or as what it decomposes to.
  mutating func write(_ op: any Op, _ inputs: [OutValue?]) throws -> [OutValue] {
    depth += 1
    defer { depth -= 1 }
    guard depth < 64 else { throw UnsupportedError("\(op.displayName) decomposes into itself") }
    if let rule = rules.writer(op) { return try rule(op, RuleInputs(values: inputs), &self) }
    if let composite = op as? any CompositeOp { return try composite.decompose(inputs, in: &self) }
    throw UnsupportedError("TFLite has no operator for it")
  }

  mutating func constant(_ array: NDArray) throws -> OutValue { try constant(Tensor(array)) }

  /// A constant whose bytes are written from where they are.
  mutating func constant(_ tensor: Tensor) throws -> OutValue {
    guard TFLiteDTypes.wire(tensor.dtype) != nil else { throw UnsupportedError("TFLite has no dtype \(tensor.dtype)") }
    var value = frame.add(tensor.type, nodeName.isEmpty ? "constant" : nodeName + "/constant", constant: tensor)
    if isQuantized, tensor.type.quantization != nil { value.fact.type = TensorType(.float32, tensor.type.shape) }
    return value
  }

  /// A constant int32 vector: what TFLite's shape and axis arguments take.
  mutating func int32s(_ values: [Int]) throws -> OutValue { try int32s(values, nil) }
  /// The same in another shape.
  mutating func int32s(_ values: [Int], _ shape: [Int]?) throws -> OutValue {
    let values = try values.map { value in
      guard let small = Int32(exactly: value) else { throw UnsupportedError("\(value) does not fit int32") }
      return small
    }
    return frame.setting(values, shape ?? [values.count])
  }
  mutating func int32(_ value: Int) throws -> OutValue { try int32s([value], []) }

  func fact(of value: OutValue) -> Fact { value.fact }

  /// The types of an op's results for these inputs.
  func types(_ op: any Op, _ inputs: RuleInputs) throws -> [TensorType] { try op.infer(inputs.values.map { $0?.fact }) }

  /// Computes in float32 what LiteRT has no kernel for in the dtype of `x`, and gives a result of that dtype again.
  mutating func inFloat(_ x: OutValue, _ body: (OutValue, inout OperatorWriter) throws -> OutValue) throws -> OutValue {
    try cast(try body(try cast(x, to: .float32), &self), to: x.dtype)
  }

  /// What a computed shape or list of places becomes: int32, a constant where it is known.
  mutating func int32Vector(_ value: OutValue) throws -> OutValue {
    if let known = value.fact.integers, value.type.shape.rank ?? 1 <= 1 {
      let clamped = known.map { max(Int(Int32.min), min(Int(Int32.max), $0)) }
      return try int32s(clamped, value.type.shape.rank == 0 ? [] : nil)
    }
    return try cast(value, to: .int32)
  }

  /// All extents, as an int32 vector.
  mutating func shape32(of value: OutValue) throws -> OutValue {
    var options = ShapeOptions()
    options.outType = .int32
    let rank: Dim = value.type.shape.rank.map { .fixed($0) } ?? .unknown
    return try emit(.shape, [value], .shapeOptions(options), as: TensorType(.int32, .ranked([rank])))
  }
}
