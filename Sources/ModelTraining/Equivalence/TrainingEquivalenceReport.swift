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
  /// Elements of weights that were left out after the last step, because their gradients are too close to rounding for the optimiser.
  public var rounded = 0
  /// What of the models' training had no part in the comparison.
  public var unseen: [String] = []
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
      "rounded": .int(rounded), "missing": .array(missing.map { .string($0) }), "surplus": .array(surplus.map { .string($0) }),
      "notes": .array(unseen.map { .string($0) }),
    ]
    if let failure { result["failure"] = .string(failure) }
    return result
  }

  private var verdict: String {
    if let failure { return "Training: not equivalent: \(failure.printable)" }
    return
      "Training: \(isEquivalent ? "equivalent" : "not equivalent") (\(steps) steps of \(optimizer), learning rate \(numberText(learningRate)))"
  }
  /// What there is to say besides the figures.
  private var notes: [String] {
    var result = gradients.compactMap { row in row.problem.map { "\(row.name): \($0)" } }
    result += missing.map { "\($0): the candidate does not train it" }
    if rounded > 0 {
      result.append(
        "\(grouped(rounded)) elements have gradients of the size of rounding, which \(optimizer) makes steps of: they are not compared")
    }
    if !surplus.isEmpty { result.append("the candidate trains besides: \(surplus.joined(separator: ", "))") }
    return result + unseen
  }

  /// A section of a page.
  public func add(to page: inout HTMLPage) {
    page.paragraph(verdict, emphasis: isEquivalent)
    guard failure == nil else { return }
    page.section(
      "Losses", columns: [">Step", ">Reference", ">Candidate"],
      rows: losses.enumerated().map { ["\($0.offset + 1)", numberText($0.element.reference), numberText($0.element.candidate)] })
    page.section(
      "Weights",
      columns: ["Weight", "In candidate", ">Elements", ">Gradient max abs", ">Mismatched", ">After max abs", ">Mismatched"],
      rows: zip(gradients, parameters).map { gradient, parameter in
        [
          gradient.name, gradient.candidateName, grouped(gradient.elements), numberText(gradient.maxAbsolute, digits: 3),
          grouped(gradient.mismatched), numberText(parameter.maxAbsolute, digits: 3), grouped(parameter.mismatched),
        ]
      })
    if !notes.isEmpty { page.section("Notes on training", list: notes) }
  }

  /// What `verify --training` prints.
  public var text: String {
    var out = verdict + "\n"
    guard failure == nil else { return out }
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
    for note in notes { out += "note: \(note.printable)\n" }
    return out
  }
}
