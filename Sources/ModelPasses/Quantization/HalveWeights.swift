import ModelGraph
import ModelOps
import ModelTensor

/// Stores weights of float32 as float16, from which they are converted when they are used.
///
///     w float32 ── Conv         becomes         w float16 ── Cast ── Conv
///
/// Constants that operators take as settings stay: bounds, factors.
public struct HalveWeights {
  static let passName = "halve-weights"
  /// Layers that keep theirs: those whose scheme is `float`.
  public var recipes: [QuantizationRecipe]
  public init(recipes: [QuantizationRecipe] = []) { self.recipes = recipes }

  public func run(_ model: inout Model) throws -> QuantizationOutcome {
    var outcome = QuantizationOutcome(), known: [ParameterID: ParameterID] = [:]
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph), casts: [ValueID: ValueID] = [:]
      let aliases = LayerAliases(graph)
      for node in try graph.order() {
        let old = graph[node], name = old.wholeOp.displayName
        guard let result = old.outputs.first, old.bodies.isEmpty else { continue }
        let names = aliases.names(of: old), isKept = recipes.first { $0.matches(names, op: name) }?.scheme == .float
        var isChanged = false
        for (index, input) in old.inputs.enumerated() where !isKept && old.wholeOp.isData(operand: index) {
          guard let input, let tensor = model.tensor(input, in: graph), tensor.dtype == .float32, tensor.elementCount > 1 else { continue }
          context.place(old, pass: Self.passName)
          let wide = try casts[input] ?? halved(input, tensor, &context, &known)
          casts[input] = wide
          context.graph[node].inputs[index] = wide
          isChanged = true
        }
        guard id == model.main, isChanged || old.outputs.contains(where: { graph[$0].type.dtype == .float32 }) else { continue }
        var layer = QuantizationOutcome.Layer(name: old.name, names: names, op: name, scheme: .float, original: result)
        layer.value = result
        if isChanged { layer.note = "float16 weights" }
        outcome.layers.append(layer)
      }
      model = context.model
      model.graphs[id] = context.graph
    }
    outcome.check(recipes)
    return outcome
  }

  private func halved(
    _ value: ValueID, _ tensor: Tensor, _ context: inout GraphContext, _ known: inout [ParameterID: ParameterID]
  ) throws -> ValueID {
    let name = context.graph[value].name
    let narrow = tensor.mapped(to: TensorType(.float16, tensor.type.shape)) { array in
      // The largest number stands for what does not fit.
      let limit = Float(Float16.greatestFiniteMagnitude)
      let values = array.values(Float.self).map { Float16($0.isNaN ? $0 : max(-limit, min(limit, $0))) }
      return NDArray(values, array.shape)
    }
    let stored: ValueID
    if case .parameter(let id) = context.graph[value].definition {
      let made = known[id] ?? context.model.add(Parameter(name: name, tensor: narrow))
      known[id] = made
      stored = context.graph.addParameter(made, of: context.model, name: name)
    } else {
      stored = context.graph.addConstant(narrow, name: name)
    }
    return try context.apply(CastOp(to: .float32), stored)
  }
}
