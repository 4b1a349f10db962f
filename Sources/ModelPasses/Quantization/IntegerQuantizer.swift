import ModelGraph
import ModelOps
import ModelTensor

/// Turns operators on floats into operators on integers, by the ranges that their values take.
///
///     x ── Conv, relu6 ── Softmax ── y       becomes       x ── QUANTIZE ── Quantized(Conv, relu6) ── Quantized(Softmax) ── DEQUANTIZE ── y
///
/// 1. Weights are symmetric, with a scale for each output channel; biases have the scale of the sums they are added to.
/// 2. Other constants are quantised by their contents, padding values as what they pad.
/// 3. Results that always lie in one range have that one: softmax, sigmoid, tanh, L2 normalisation.
/// 4. Operands of operators that share one quantisation are requantised where they have another.
/// 5. What has no kernel for integers, or is to stay float, computes between DEQUANTIZE and QUANTIZE. Bodies of control flow stay float.
///
/// The graph is one of whole operators, as the TFLite reader gives it on request: one node for each operator, its activation inside.
public struct IntegerQuantizer {
  static let passName = "quantize"
  /// By value of the main graph.
  public var ranges: [ValueID: ValueRange]
  public var scheme: LayerScheme
  /// The first that matches counts.
  public var recipes: [QuantizationRecipe]
  /// Schemes of single layers, before all recipes: what a repair moves.
  public var overrides: [String: LayerScheme] = [:]
  /// Whether each output channel of a convolution has a scale of its own.
  public var isPerChannel = true
  /// The same for rows of fully connected layers.
  public var isPerChannelInDense = true
  /// What the model's own inputs and outputs become.
  public var inputType: DType = .float32
  public var outputType: DType = .float32

  public init(ranges: [ValueID: ValueRange], scheme: LayerScheme, recipes: [QuantizationRecipe] = []) {
    self.ranges = ranges
    self.scheme = scheme
    self.recipes = recipes
  }

  private func scheme(_ node: Node, _ op: String, _ aliases: LayerAliases) -> LayerScheme {
    if let known = overrides[node.name] { return known }
    guard !recipes.isEmpty else { return scheme }
    let names = aliases.names(of: node)
    return recipes.first { $0.matches(names, op: op) }?.scheme ?? scheme
  }

  /// - Throws: `GraphError` for weights that are no numbers.
  public func run(_ model: inout Model) throws -> QuantizationOutcome {
    guard let graph = model.graphs[model.main] else { throw GraphError(.invalidStructure, "the model has no main graph") }
    let aliases = LayerAliases(graph)
    let plan = try QuantizationPlan(model, graph, ranges: ranges) { scheme($0, $1, aliases) }
    var rewriter = QuantizingRewriter(plan, isPerChannel: isPerChannel, isPerChannelInDense: isPerChannelInDense)
    try rewriter.run(inputType: inputType, outputType: outputType)
    var outcome = QuantizationOutcome()
    let alive = Set(rewriter.context.graph.valueIDs)
    for id in plan.order {
      let node = graph[id]
      guard plan.touchesFloats(node), !plan.makesState(node), !(node.op is IdentityOp), let result = node.outputs.first else { continue }
      let entry = plan.entries[id], made = rewriter.integers[result], value = made?.value ?? rewriter.floats[result]
      outcome.layers.append(
        .init(
          name: node.name, names: aliases.names(of: node), op: node.wholeOp.displayName, scheme: entry?.scheme ?? .float,
          reason: plan.reasons[id], original: result, value: value.flatMap { alive.contains($0) ? $0 : nil }, type: made?.type))
    }
    outcome.sources = rewriter.sources
    outcome.check(recipes)
    model = rewriter.context.model
    model.graphs[model.main] = rewriter.context.graph
    return outcome
  }
}
