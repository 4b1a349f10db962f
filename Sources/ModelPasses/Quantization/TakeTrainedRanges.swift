import ModelGraph
import ModelOps
import ModelTensor

/// Takes the ranges that a model was trained with from its rounding to integers (`FakeQuantOp`), which integers then do.
///
///     x ── Conv ── FakeQuant(0, 6) ── MaxPool ── y       becomes       x ── Conv ── Identity ── MaxPool ── y, and the range 0…6 of two values
///
/// The identities become requantisations, and nothing where both sides have one quantisation. Ranges that are computed, other bits than the
/// integers', and ranges for each channel are left alone.
public struct TakeTrainedRanges {
  /// The dtype of quantised activations.
  public var dtype: DType
  public init(_ dtype: DType) { self.dtype = dtype }

  /// - Parameter known: ranges of samples, by value of the main graph.
  /// - Returns: these with those of training; `nil` where nothing was trained to be quantised.
  public func run(_ model: inout Model, known: [ValueID: ValueRange]) throws -> [ValueID: ValueRange]? {
    guard var graph = model.graphs[model.main] else { return nil }
    var ranges = known, trained: Set<ValueID> = []
    for id in try graph.order() {
      var node = graph[id]
      guard let op = node.op as? FakeQuantOp, let x = node.inputs.first ?? nil, model.tensor(x, in: graph) == nil,
        let range = try range(of: op, node, model, graph)
      else {
        spread(&ranges, node, graph)
        continue
      }
      node.op = IdentityOp()
      node.inputs = [x]
      graph[id] = node
      trained.formUnion(node.outputs)
      for y in node.outputs { ranges[y] = range }
      // What gives its operand's numbers on has its quantisation.
      if !trained.contains(x), ranges[x] == nil || !sharesQuantization(of: x, graph) {
        ranges[x] = range
        trained.insert(x)
      }
    }
    guard !trained.isEmpty else { return nil }
    graph.removeDeadNodes()
    model.graphs[model.main] = graph
    return ranges
  }

  /// Without samples: the range of what only moves numbers, or always gives the same.
  private func spread(_ ranges: inout [ValueID: ValueRange], _ node: Node, _ graph: Graph) {
    guard let specification = OperatorSpecification.of(node.wholeOp), let x = node.inputs.first ?? nil else { return }
    for y in node.outputs where ranges[y] == nil && graph[y].type.dtype == .float32 {
      if let type = specification.fixedResult?(dtype) {
        ranges[y] = ValueRange(type)
      } else if specification.sharesQuantization, !meetsOthers(node.wholeOp), let range = ranges[x] {
        ranges[y] = range
      }
    }
  }

  private func meetsOthers(_ op: any Op) -> Bool { op is ConcatOp || op is MaximumOp || op is MinimumOp || op is WhereOp }

  private func sharesQuantization(of x: ValueID, _ graph: Graph) -> Bool {
    guard let maker = graph.producer(of: x) else { return false }
    let op = graph[maker].wholeOp
    return !meetsOthers(op) && OperatorSpecification.of(op)?.sharesQuantization ?? false
  }

  /// The range moved so that 0 is one of its steps, as it is when the model is trained.
  private func range(of op: FakeQuantOp, _ node: Node, _ model: Model, _ graph: Graph) throws -> ValueRange? {
    guard op.bits == 8 || op.bits == 16 && dtype == .int16, node.inputs.count == 3 else { return nil }
    var ends: [Double] = []
    for case let value? in node.inputs.dropFirst() {
      guard let tensor = model.tensor(value, in: graph), tensor.elementCount == 1, tensor.dtype == .float32,
        let end = try tensor.array().doubles().first
      else { return nil }
      ends.append(end)
    }
    guard ends.count == 2, ends.allSatisfy(\.isFinite), ends[0] < ends[1] else { return nil }
    let most = Double((1 << op.bits) - 1), least = op.narrowRange ? 1.0 : 0
    let scale = (ends[1] - ends[0]) / (most - least)
    let zero = min(max((least - ends[0] / scale).rounded(), least), most)
    return ValueRange(low: Float(-zero * scale), high: Float((most - zero) * scale))
  }
}

extension ValueRange {
  /// All that a quantised type can say.
  fileprivate init(_ type: QuantizedType) {
    let bounds: (Double, Double) = type.dtype == .int16 ? (-32767, 32767) : (-128, 127)
    let zero = Double(type.zeroPoint), scale = Double(type.scale)
    self.init(low: Float((bounds.0 - zero) * scale), high: Float((bounds.1 - zero) * scale))
  }
}
