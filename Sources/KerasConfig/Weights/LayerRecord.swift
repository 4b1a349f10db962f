import ModelGraph
import ModelLayers
import ModelTensor

/// A layer of a model as its weights see it: the tree that both kinds of weights files follow.
struct LayerRecord {
  var name: String
  /// The class Keras names the layer's group after.
  var className: String
  /// The layers of a nested model, in the model's order.
  var children: [LayerRecord] = []
  /// The weights in the layer's own order, and the parameters they became. Of a layer that could not be
  /// built, none.
  var weights: [WeightSpec] = []
  var parameters: [ParameterID] = []
  var isTrainable = true
  var isBuilt = false
  /// Layers with the same number are one layer.
  var sharedID: Int?
  var scope: ScopeID?

  /// The names of the groups of layers next to each other: by class, numbered from the second on.
  static func groupNames(_ classNames: [String]) -> [String] {
    var used: [String: Int] = [:]
    return classNames.map { className in
      let base = kerasSnakeCase(pythonName(className))
      guard let count = used[base] else {
        used[base] = 0
        return base
      }
      used[base] = count + 1
      return "\(base)_\(count + 1)"
    }
  }

  /// The name of a class in Python, where it differs from the one it is known by: groups are named after it.
  private static func pythonName(_ className: String) -> String {
    if className == "GroupQueryAttention" { return "GroupedQueryAttention" }
    // `package>Class` of registered classes.
    return className.lastIndex(of: ">").map { String(className[className.index(after: $0)...]) } ?? className
  }

  /// The indices of `weights` as Keras's `trainable_weights`, then `non_trainable_weights` list them.
  var legacyOrder: (trainable: [Int], fixed: [Int]) {
    let all = Array(weights.indices)
    guard isTrainable else { return ([], all) }
    return (all.filter { weights[$0].isTrainable }, all.filter { !weights[$0].isTrainable })
  }

  /// The same for a layer and all below it, as positions of parameters.
  func legacyParameters(depth: Int = 0) -> (trainable: [Slot], fixed: [Slot]) {
    guard depth < 64 else { return ([], []) }
    let own = legacyOrder
    var trainable = own.trainable.map { Slot(record: self, index: $0) }, fixed = own.fixed.map { Slot(record: self, index: $0) }
    for child in children {
      let inner = child.legacyParameters(depth: depth + 1)
      trainable += inner.trainable
      fixed += inner.fixed
    }
    return (trainable, fixed)
  }

  /// The names of all layers below that are no models.
  func leafNames(depth: Int = 0) -> Set<String> {
    guard depth < 64 else { return [] }
    return children.reduce(into: []) { names, child in
      if child.children.isEmpty { names.insert(child.name) } else { names.formUnion(child.leafNames(depth: depth + 1)) }
    }
  }

  /// One weight of one layer.
  struct Slot {
    var record: LayerRecord
    var index: Int
    var spec: WeightSpec { record.weights[index] }
    var parameter: ParameterID { record.parameters[index] }
  }
}
