import Foundation
import ModelGraph
import ModelSupport
import ModelTensor

/// An optimiser's variables in the order of Keras 3: the iteration, the learning rate if it is a number, then the slots.
///
/// Keras 2 (2.11 on) has the same without the learning rate. What came before it lists the slots by kind, all first moments
/// and then all second ones, instead of by variable.
public enum OptimizerVariables {
  /// `nil` for variables that Keras 3 has no place for.
  public static func keras3(_ training: TrainingState) -> [(path: String, tensor: Tensor)]? {
    let variables = training.optimizerVariables
    guard let first = variables.first, variables.contains(where: { $0.path.hasSuffix(":0") }) else { return variables }
    let optimizer = training.compileConfig?["optimizer"]
    guard let name = optimizer?["class_name"]?.stringValue, let config = optimizer?["config"] else { return nil }
    var result = [first]
    if let rate = config["learning_rate"]?.doubleValue {
      result.append(("learning_rate", Tensor(NDArray(scalar: Float(rate)))))
    }
    var slots = Array(variables.dropFirst())
    if first.path.hasSuffix("/iter:0") {
      guard let ordered = byVariable(slots, of: name, config) else { return nil }
      slots = ordered
    } else if first.path != "iteration:0" {
      return nil
    }
    switch name {
    // Keras 2 has its slots even without momentum.
    case "SGD": if (config["momentum"]?.doubleValue ?? 0) == 0 { slots = [] }
    case "Nadam":
      guard let product = scheduleProduct(first.tensor, config) else { return nil }
      slots.append(("u_product", product))
    // Placeholders for what is not factored.
    case "Adafactor", "LossScaleOptimizer": return nil
    default: break
    }
    return result + slots
  }

  /// In the order of Keras 2: that of the optimisers before 2.11 if `isOlder`, else that of the newer ones.
  /// - Returns: `nil` when Keras 2 has no place for them.
  public static func keras2(_ training: TrainingState, isOlder: Bool) -> [(path: String, tensor: Tensor)]? {
    let optimizer = training.compileConfig?["optimizer"]
    guard let name = optimizer?["class_name"]?.stringValue, let config = optimizer?["config"], let all = keras3(training),
      let first = all.first, name != "Adafactor", name != "LossScaleOptimizer"
    else { return nil }
    var slots = Array(all.dropFirst(config["learning_rate"]?.objectValue == nil ? 2 : 1))
    if name == "Nadam" { slots = Array(slots.dropLast()) }
    guard isOlder else {
      return [("iteration:0", first.tensor)] + slots.enumerated().map { ("\(name)/variable_\($0):0", $1.tensor) }
    }
    guard let ordered = byKind(slots, of: name, config) else { return nil }
    return [("\(name)/iter:0", first.tensor)] + ordered.enumerated().map { ("\(name)/variable_\($0)/slot:0", $1.tensor) }
  }

  private typealias Slots = [(path: String, tensor: Tensor)]

  /// How many slots of a variable stand side by side in newer optimisers and come one after the other in older ones, and how
  /// many of each variable come behind these in both.
  private static func slotCounts(_ name: String, _ config: JSONValue) -> (paired: Int, after: Int)? {
    switch name {
    case "Adam": return (2, config["amsgrad"]?.boolValue == true ? 1 : 0)
    case "Adamax", "Adadelta", "Ftrl": return (2, 0)
    case "SGD": return (config["momentum"]?.doubleValue ?? 0) == 0 ? (0, 0) : (1, 0)
    case "Adagrad": return (1, 0)
    case "RMSprop": return (1, ((config["momentum"]?.doubleValue ?? 0) == 0 ? 0 : 1) + (config["centered"]?.boolValue == true ? 1 : 0))
    default: return nil
    }
  }

  private static func byKind(_ slots: Slots, of name: String, _ config: JSONValue) -> Slots? {
    guard let counts = slotCounts(name, config) else { return nil }
    let total = counts.paired + counts.after
    guard total > 0 else { return [] }
    guard slots.count.isMultiple(of: total) else { return nil }
    let variables = slots.count / total
    let paired = (0..<counts.paired).flatMap { kind in (0..<variables).map { slots[$0 * counts.paired + kind] } }
    return paired + slots.dropFirst(counts.paired * variables)
  }

  /// The slots of an older optimiser, each variable's side by side. `nil` for one whose slots are others.
  private static func byVariable(_ slots: Slots, of name: String, _ config: JSONValue) -> Slots? {
    guard let counts = slotCounts(name, config) else { return nil }
    let total = counts.paired + counts.after
    guard total > 0 else { return [] }
    guard slots.count.isMultiple(of: total) else { return nil }
    let variables = slots.count / total
    let paired = (0..<variables).flatMap { variable in (0..<counts.paired).map { slots[$0 * variables + variable] } }
    return paired + slots.dropFirst(counts.paired * variables)
  }

  /// The product of Nadam's momenta over all steps so far, which Keras 2 keeps in no file.
  private static func scheduleProduct(_ iteration: Tensor, _ config: JSONValue) -> Tensor? {
    guard iteration.elementCount == 1, let steps = try? iteration.array().doubles().first, steps >= 0 else { return nil }
    let momentum = config["beta_1"]?.doubleValue ?? 0.9
    var product: Float = 1, step = 1.0
    while step <= steps, product > 0, step < 1e5 {
      product *= Float(momentum * (1 - 0.5 * pow(0.96, step)))
      step += 1
    }
    return Tensor(NDArray(scalar: product))
  }
}
