import ModelKit
import ModelSupport
import ModelVerify

/// What a comparison of how two models learn found.
public struct TrainingEquivalenceReport: Sendable {
  public var optimizer: String
  public var learningRate: Double
  public var steps: Int
  /// The loss of each step in the reference and in the candidate.
  public var losses: [(reference: Double, candidate: Double)] = []
  /// Of each weight before the first step.
  public var gradients: [OutputStatistics] = []
  /// Of each weight after the last step.
  public var parameters: [OutputStatistics] = []
  /// Weights of the reference that the candidate does not train.
  public var missing: [String] = []
  /// Weights that the candidate trains besides.
  public var surplus: [String] = []
  /// Why nothing could be compared.
  public var failure: String?

  public var isEquivalent: Bool {
    failure == nil && missing.isEmpty && !gradients.isEmpty && gradients.allSatisfy(\.isEquivalent) && parameters.allSatisfy(\.isEquivalent)
  }

  public var json: JSONValue {
    var result: JSONValue = [
      "equivalent": .bool(isEquivalent), "optimizer": .string(optimizer), "learning_rate": .double(learningRate), "steps": .int(steps),
      "losses": .array(losses.map { .array([.finite($0.reference), .finite($0.candidate)]) }),
      "gradients": .array(gradients.map(\.json)), "parameters": .array(parameters.map(\.json)),
      "missing": .array(missing.map { .string($0) }), "surplus": .array(surplus.map { .string($0) }),
    ]
    if let failure { result["failure"] = .string(failure) }
    return result
  }

  /// What `verify --training` prints.
  public var text: String {
    if let failure { return "Training: not equivalent: \(failure.printable)\n" }
    var out =
      "Training: \(isEquivalent ? "equivalent" : "not equivalent") (\(steps) steps of \(optimizer), learning rate \(numberText(learningRate)))\n"
    if let first = losses.first, let last = losses.last {
      out += "  loss \(numberText(first.reference)) → \(numberText(last.reference)), in the candidate "
      out += "\(numberText(first.candidate)) → \(numberText(last.candidate))\n"
    }
    var table = TextTable(["weight", ">elements", ">gradient max abs", ">mismatched", ">after max abs", ">mismatched"])
    for (gradient, parameter) in zip(gradients, parameters) {
      table.add(
        gradient.name, grouped(gradient.elements), numberText(gradient.maxAbsolute, digits: 3), grouped(gradient.mismatched),
        numberText(parameter.maxAbsolute, digits: 3), grouped(parameter.mismatched))
    }
    out += table.text()
    for row in gradients { if let problem = row.problem { out += "  \(row.name.printable): \(problem)\n" } }
    for name in missing { out += "  \(name.printable): the candidate does not train it\n" }
    if !surplus.isEmpty { out += "note: the candidate trains besides: \(surplus.map(\.printable).joined(separator: ", "))\n" }
    return out
  }
}
