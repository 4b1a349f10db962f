import ArgumentParser
import ModelKit
import ModelTraining
import ModelVerify

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs two models on the same inputs and compares their outputs.",
    discussion: """
      The models may be of different formats. Inputs and outputs are matched by name, else by order. \
      Exits with 1 when any output differs by more than atol + rtol · |reference|. \
      Of a float model and its quantised form, outputs have to rise 10 dB above the difference, unless --atol or --rtol is given.
      """)

  @Argument(help: "The model that is right.")
  var reference: String
  @Argument(help: "The model to hold against it.")
  var candidate: String
  @OptionGroup var source: SourceOptions
  @OptionGroup var comparison: ComparisonOptions
  @Flag(help: "Name the first value inside that differs, and its node.")
  var layers = false
  @Flag(help: "Hold gradients, and weights after some steps of an optimiser, against each other too.")
  var training = false
  @Option(help: ArgumentHelp("How many steps of --training.", valueName: "n"))
  var steps = 5
  @Option(help: ArgumentHelp("The optimiser of --training, by Keras's name.", valueName: "name"))
  var optimizer = "sgd"
  @Option(help: ArgumentHelp("The learning rate of --training.", valueName: "x"))
  var learningRate = 0.01
  @Flag(help: "Print one JSON document.")
  var json = false
  @Option(help: ArgumentHelp("Also write a self-contained page.", valueName: "file"))
  var html: String?

  func validate() throws {
    guard (1...10_000).contains(steps) else { throw ValidationError("--steps must be from 1 to 10000.") }
    guard learningRate > 0, learningRate.isFinite else { throw ValidationError("--learning-rate must be a number above 0.") }
    guard Optimizers.names.contains(optimizer.lowercased()) else {
      throw ValidationError("There is no optimiser '\(optimizer)'; known are \(Optimizers.names.joined(separator: ", ")).")
    }
  }

  func run() throws {
    let progress = Progress()
    var options = try comparison.verification { progress.show("verifying", $0) }
    options.findsDivergence = layers
    progress.show("reading")
    let report: VerificationReport
    var learning: TrainingEquivalenceReport?
    do {
      defer { progress.clear() }
      if !training, let weights = try WeightsComparison.compare(reference, candidate, options) {
        return try finish(weights, nil)
      }
      let first = try about(reference) { try FormatRegistry.open(reference, options: source.read) }
      let second = try about(candidate) { try FormatRegistry.open(candidate, options: source.read, signatureIsOptional: true) }
      report = try PairVerification(options: options, isStrict: comparison.isStrict).verify(reference: first, candidate: second)
      if training {
        progress.show("training")
        var equivalence = TrainingEquivalence(options: options)
        (equivalence.steps, equivalence.optimizer, equivalence.learningRate) = (steps, optimizer, learningRate)
        learning = try equivalence.compare(reference: first, candidate: second)
      }
    }
    try finish(report, learning)
  }

  private func finish(_ report: VerificationReport, _ learning: TrainingEquivalenceReport?) throws {
    if let html {
      let page = report.html(reference: reference, candidate: candidate) { learning?.add(to: &$0) }
      try writeWhole(page, to: html)
    }
    let isEquivalent = report.isEquivalent && learning?.isEquivalent ?? true
    if json {
      var document = report.json
      if let learning {
        document["training"] = learning.json
        document["equivalent"] = .bool(isEquivalent)
      }
      print(document.text(.indented))
    } else {
      print(report.text + (learning.map { "\n" + $0.text } ?? ""), terminator: "")
    }
    if !isEquivalent { throw ExitCode(1) }
  }
}
