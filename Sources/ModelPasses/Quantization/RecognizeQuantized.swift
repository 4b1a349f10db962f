import ModelGraph
import ModelOps
import ModelTensor

/// Makes operators on integers of a graph that spells them as dequantise, float operator, quantise.
///
///     x ── DequantizeLinear ── Conv ── Clip(0, 6) ── QuantizeLinear ── y      becomes      x ── Quantized(Conv, relu6) ── y
///     w, b ── DequantizeLinear ┘                                                            w, b int8, int32
///
/// 1. Every float operand is dequantised by constants, every float result quantised by them, in all its uses alike.
/// 2. A product by constant weights, with a sum behind it, is a `FullyConnected`.
/// 3. Moves between operator and quantisation change places with the latter.
/// 4. Where LiteRT's kernels ask for operands and results quantised alike, or for one quantisation of the result, what the graph says
///    differently is brought to it by requantisations.
/// 5. Float biases are stored as int32, or int64 for activations of 16 bits.
/// 6. Products whose activations are quantised as they come are hybrid ones.
/// 7. Conversions that are left become QUANTIZE and DEQUANTIZE. Operators without a kernel for integers stay floats between them.
///
/// The graphs inside loops and branches stay as they are.
public struct RecognizeQuantized: Pass {
  static let passName = "recognize-quantized"
  public let name = RecognizeQuantized.passName
  /// Whether `uint8` values become `int8` where LiteRT's kernels ask for it: next to weights of `int8`.
  public var prefersSigned: Bool
  /// Whether operators are recognised, or conversions alone.
  public var recognizesOperators: Bool
  public init(prefersSigned: Bool = false, recognizesOperators: Bool = true) {
    self.prefersSigned = prefersSigned
    self.recognizesOperators = recognizesOperators
  }

  /// Whether a model spells quantisation out.
  public static func isNeeded(_ model: Model) -> Bool {
    if RecognizeDynamic.isNeeded(model) { return true }
    return model.graphs.values.contains { graph in
      graph.nodeSlots.contains {
        $0?.op is DequantizeLinearOp || $0?.op is QuantizeLinearOp || $0?.op is QLinearConvOp || $0?.op is QLinearMatMulOp
      }
    }
  }

  public func run(_ model: inout Model) throws {
    guard Self.isNeeded(model) else { return }
    try ExpandQLinear().run(&model)
    try StoreQuantizedConstants().run(&model)
    if recognizesOperators { try RecognizeDynamic().run(&model) }
    if prefersSigned { try SignQuantized().run(&model) }
    // What a loop carries has one type on its way in, round and out: inside, integers stay numbers.
    let bodies = Set(model.graphs.values.flatMap { $0.nodeSlots.flatMap { $0?.bodies ?? [] } })
    for id in Array(model.graphs.keys) where !bodies.contains(id) {
      guard let graph = model.graphs[id] else { continue }
      var recognition = QuantizedRecognition(GraphContext(model, graph: graph))
      do { try recognition.run(operators: recognizesOperators) } catch let error as GraphError { throw error.within("graph \(id)") }
      recognition.context.handOver(id, to: &model)
    }
    try RemoveDeadCode().run(&model)
  }
}

/// One graph.
struct QuantizedRecognition {
  var context: GraphContext
  var stored = StoredValues()
  let uses: [ValueID: [NodeID]]
  let ports: Set<ValueID>
  var replacements: [ValueID: ValueID] = [:]
  /// Nodes that are part of another's operator already.
  var taken: Set<NodeID> = []

  init(_ context: GraphContext) {
    self.context = context
    uses = context.graph.uses()
    ports = Set(context.graph.outputs.map(\.value))
  }

  mutating func run(operators: Bool) throws {
    let order = try context.graph.order()
    for id in order where operators && !taken.contains(id) {
      let node = context.graph[id]
      do { try recognize(node, id) } catch let error as GraphError { throw error.within("node \(node.name) (\(node.op.displayName))") }
    }
    try convert(order)
    guard !replacements.isEmpty else { return }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
  }

  /// What follows an operator until its result is quantised.
  struct Tail {
    var bias: ValueID?
    var activation = FusedActivation.none
    var moves: [NodeID] = []
    var nodes: [NodeID] = []
    /// The quantised results, all of one type.
    var quantized: [NodeID] = []
    var type: QuantizedType
  }

  /// The only node that takes a value, if it is no output.
  func soleUse(_ value: ValueID) -> NodeID? {
    guard let all = uses[value], all.count == 1, !ports.contains(value) else { return nil }
    return all[0]
  }

  /// The quantisation that all uses of a value are.
  func quantized(_ value: ValueID) throws -> (nodes: [NodeID], type: QuantizedType)? {
    guard let all = uses[value], !all.isEmpty, !ports.contains(value) else { return nil }
    var type: QuantizedType?
    for id in all {
      let node = context.graph[id]
      guard let op = node.op as? QuantizeLinearOp, op.blockSize == 0, node.inputs.first == value,
        let found = try context.quantizedType(op.dtype, node, axis: op.axis, of: value), !found.isPerAxis, found.isOfLiteRT,
        type ?? found == found
      else { return nil }
      type = found
    }
    return type.map { (all, $0) }
  }

  /// Follows a float result to where it is quantised.
  func tail(_ value: ValueID, takesBias: Bool, takesActivation: Bool) throws -> Tail? {
    var value = value, bias: ValueID?, activation = FusedActivation.none, moves: [NodeID] = [], nodes: [NodeID] = []
    while true {
      if let (quantized, type) = try quantized(value) {
        return Tail(bias: bias, activation: activation, moves: moves, nodes: nodes, quantized: quantized, type: type)
      }
      guard let id = soleUse(value), nodes.count < 8, let next = context.graph[id].outputs.first else { return nil }
      let node = context.graph[id]
      if node.op is AddOp, takesBias, bias == nil, activation == .none, moves.isEmpty, node.inputs.count == 2,
        let other = node.inputs[0] == value ? node.inputs[1] : node.inputs[0]
      {
        bias = other
      } else if takesActivation, activation == .none, let found = self.activation(node, of: value) {
        activation = found
      } else if node.op is IdentityOp {
        // Passed by.
      } else if OperatorSpecification.isMove(node.op), node.inputs.first == value {
        moves.append(id)
      } else {
        return nil
      }
      nodes.append(id)
      value = next
    }
  }

  /// The activation that a node is, of those that an operator on integers has.
  func activation(_ node: Node, of value: ValueID) -> FusedActivation? {
    guard node.inputs.first == value else { return nil }
    if node.op is ReluOp { return .relu }
    guard node.op is ClipOp else { return nil }
    func bound(_ index: Int) -> Double? { index < node.inputs.count ? node.inputs[index].flatMap { context.fact(of: $0).scalar } : nil }
    let isOpen = node.inputs.count < 3 || node.inputs[2] == nil
    switch (bound(1), bound(2)) {
    case (0, 6): return .relu6
    case (-1, 1): return .reluN1To1
    case (0, nil) where isOpen: return .relu
    default: return nil
    }
  }

  /// The conversions that are left, as operators of LiteRT.
  private mutating func convert(_ order: [NodeID]) throws {
    for id in order where !taken.contains(id) {
      let node = context.graph[id]
      guard let x = node.inputs.first ?? nil, let old = node.outputs.first, replacements[old] == nil else { continue }
      let op: QuantizedOp
      var input = x
      if let quantize = node.op as? QuantizeLinearOp, quantize.blockSize == 0, context.graph[x].type.dtype == .float32,
        let type = try context.quantizedType(quantize.dtype, node, axis: quantize.axis, of: x), !type.isPerAxis,
        type.isOfLiteRT
      {
        if let from = try stored.find(x, in: &context), !from.type.isPerAxis, from.type.dtype.bitWidth ?? 64 <= 16 {
          // Quantised as it was before: the same integers.
          if from.type == type, !ports.contains(old), from.value != old {
            replacements[old] = from.value
            continue
          }
          op = QuantizedOp(IdentityOp(), inputs: [from.type], outputs: [type])
          input = from.value
        } else {
          op = QuantizedOp(IdentityOp(), inputs: [nil], outputs: [type])
        }
      } else if node.op is DequantizeLinearOp, context.model.tensor(x, in: context.graph) == nil,
        let from = try stored.find(old, in: &context), !from.type.isPerAxis
      {
        op = QuantizedOp(IdentityOp(), inputs: [from.type], outputs: [nil])
      } else {
        continue
      }
      context.place(node, pass: RecognizeQuantized.passName)
      replace(old, by: try context.apply(op, input))
    }
  }

  /// Lets the new value stand for the old one, by its name.
  mutating func replace(_ old: ValueID, by new: ValueID) {
    let declared = context.graph[old], type = context.graph[new].type
    context.graph[new].name = declared.name
    context.graph[new].type = type.refined(by: TensorType(type.dtype, declared.type.shape, quantization: type.quantization))
    replacements[old] = new
  }
}

extension QuantizedType {
  /// Whether LiteRT has activations of this type: those of 16 bits have a sign and no zero point.
  var isOfLiteRT: Bool {
    switch dtype {
    case .uint16: false
    case .int16: quantization.zeroPoints.allSatisfy { $0 == 0 }
    default: true
    }
  }
}
