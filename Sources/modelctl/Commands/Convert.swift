import ArgumentParser
import ModelKit
import ModelPasses
import ModelSupport

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Converts a model into another format and proves that both compute the same.",
    discussion: """
      Reads back what was written, runs source and result on the same inputs, and leaves nothing at \
      the destination when they differ.

      A destination that ends in .weights.h5 gets the weights alone; these are compared, for nothing in \
      it computes.
      """)

  @Argument(help: "The model to convert.")
  var source: String
  @Argument(help: "Where to write; must not exist unless --force is given.")
  var destination: String
  @Option(help: ArgumentHelp("Read the source as this format instead of looking at its contents.", valueName: "format"))
  var from: ModelFormat?
  @Option(help: ArgumentHelp("The format to write (default: by the destination's extension).", valueName: "format"))
  var to: ModelFormat?
  @Flag(name: .customLong("no-verify"), help: "Do not compare source and result.")
  var skipsVerification = false
  @OptionGroup var sourceOptions: SourceOptions
  @OptionGroup var comparison: ComparisonOptions
  @Option(help: ArgumentHelp("The version of ONNX's operator set to write, from 13 (default: 18).", valueName: "n"))
  var opset: Int?
  @Option(help: ArgumentHelp("How images are laid out at inputs and outputs.", valueName: "keep|nchw|nhwc"))
  var ioLayout = IOLayout.keep
  @Option(help: ArgumentHelp("The bytes of a file of weights of TensorFlow.js (default: 4 MiB).", valueName: "bytes"))
  var shardSize: Int?
  @Option(help: ArgumentHelp("Store the weights of TensorFlow.js in fewer bits.", valueName: "float16|uint8|uint16"))
  var tfjsQuantize: TFJSQuantization?
  @OptionGroup var quantization: QuantizationArguments
  @Flag(help: "Write a quantised source as the plain float model it stands for.")
  var dequantize = false
  @Flag(help: "Replace an existing destination.")
  var force = false
  @Flag(help: "Print one JSON document.")
  var json = false
  @Flag(help: "Print nothing but errors.")
  var quiet = false

  func validate() throws {
    if let opset, opset < 1 { throw ValidationError("--opset must be at least 1.") }
    if let shardSize, shardSize < 1024 { throw ValidationError("--shard-size must be at least 1024.") }
  }

  func run() throws {
    let progress = Progress(quiet: quiet)
    let verification =
      skipsVerification ? nil : try comparison.verification { progress.show("verifying", $0) }
    var options = ConversionOptions(
      sourceFormat: from, format: to, read: sourceOptions.read,
      write: WriteOptions(opset: opset, layout: ioLayout, shardSize: shardSize, tfjsQuantization: tfjsQuantize?.dtype),
      verification: verification, replacesExisting: force, dequantizes: dequantize, onStep: { progress.show($0) })
    options.quantization = try quantization.request(progress)
    do {
      defer { progress.clear() }
      report(try about(source) { try Converter(options: options).convert(source, to: destination) })
    } catch let failure as VerificationFailure {
      report(failure.report)
      throw failure
    }
  }

  private func report(_ report: ConversionReport) {
    if json {
      print(report.json.text(.indented))
    } else if !quiet {
      print(report.text, terminator: "")
    }
  }
}
