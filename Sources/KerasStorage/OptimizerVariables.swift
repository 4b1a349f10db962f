import ModelGraph
import ModelSupport
import ModelTensor

/// An optimiser's variables in the order of Keras 3: the iteration, the learning rate if it is a number, then the slots.
///
/// Keras 2 (2.11 on) has the same without the learning rate. Some of its optimisers have other slots, and what came
/// before it lists them by kind instead of by variable: of these nothing is carried.
public enum OptimizerVariables {
  /// `nil` for variables that Keras 3 has no place for.
  public static func keras3(_ training: TrainingState) -> [(path: String, tensor: Tensor)]? {
    let variables = training.optimizerVariables
    guard let first = variables.first, first.path == "iteration:0" else {
      return variables.allSatisfy { !$0.path.hasSuffix(":0") } ? variables : nil
    }
    let optimizer = training.compileConfig?["optimizer"]
    guard let name = optimizer?["class_name"]?.stringValue, let config = optimizer?["config"] else { return nil }
    var result = [first]
    if let rate = config["learning_rate"]?.doubleValue {
      result.append(("learning_rate", Tensor(NDArray(scalar: Float(rate)))))
    }
    var slots = variables.dropFirst()
    switch name {
    // Keras 2 has its slots even without momentum.
    case "SGD": if (config["momentum"]?.doubleValue ?? 0) == 0 { slots = [] }
    // A product that Keras 2 keeps nowhere; placeholders for what is not factored.
    case "Nadam", "Adafactor": return nil
    default: break
    }
    return result + slots
  }
}
