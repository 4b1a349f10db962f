import ArgumentParser
import ModelKit
import ModelVerify

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs two models on the same inputs and compares their outputs.",
    discussion: """
      The models may be of different formats. Inputs and outputs are matched by name, else by order. \
      Exits with 1 when any output differs by more than atol + rtol · |reference|.
      """)

  @Argument(help: "The model that is right.")
  var reference: String
  @Argument(help: "The model to hold against it.")
  var candidate: String
  @OptionGroup var source: SourceOptions
  @OptionGroup var comparison: ComparisonOptions
  @Flag(help: "Name the first value inside that differs, and its node.")
  var layers = false
  @Flag(help: "Print one JSON document.")
  var json = false
  @Option(help: ArgumentHelp("Also write a self-contained page.", valueName: "file"))
  var html: String?

  func run() throws {
    let progress = Progress()
    var options = try comparison.verification { progress.show("verifying", $0) }
    options.findsDivergence = layers
    progress.show("reading")
    let report: VerificationReport
    do {
      defer { progress.clear() }
      report = try Verifier(options: options).verify(
        reference: about(reference) { try FormatRegistry.open(reference, options: source.read) },
        candidate: about(candidate) {
          try FormatRegistry.open(candidate, options: source.read, signatureIsOptional: true)
        })
    }
    if let html { try writeWhole(report.html(reference: reference, candidate: candidate), to: html) }
    print(json ? report.json.text(.indented) + "\n" : report.text, terminator: "")
    if !report.isEquivalent { throw ExitCode(1) }
  }
}
