import ArgumentParser
import ModelKit
import ModelPasses
import ModelRuntime
import ModelSupport
import ModelTensor
import ModelVerify

extension ModelFormat: ExpressibleByArgument {}
extension IOLayout: ExpressibleByArgument {}

/// How results are compared; the same for `convert` and `verify`.
struct ComparisonOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Largest absolute difference allowed.", valueName: "x"))
  var atol = 1e-5
  @Option(help: ArgumentHelp("Largest relative difference allowed, added to --atol.", valueName: "x"))
  var rtol = 1e-4
  @Option(help: ArgumentHelp("How many made-up sets of inputs to compare on.", valueName: "n"))
  var samples = 2
  @Option(help: ArgumentHelp("Seeds the made-up inputs.", valueName: "n"))
  var seed: UInt64 = 0
  @Option(help: ArgumentHelp("Compare on these inputs instead of made-up ones.", valueName: "data.npz"))
  var inputs: String?

  @OptionGroup var threading: ThreadOptions

  /// The options of a comparison.
  func verification(progress: (@Sendable (Double) -> Void)? = nil) throws -> VerificationOptions {
    let data = try inputs.map { try DataFile.read($0) }
    return VerificationOptions(
      samples: samples, seed: seed, atol: atol, rtol: rtol, data: data, execution: threading.execution,
      progress: progress)
  }

  func validate() throws {
    guard atol >= 0, atol.isFinite else { throw ValidationError("--atol must be a number of at least 0.") }
    guard rtol >= 0, rtol.isFinite else { throw ValidationError("--rtol must be a number of at least 0.") }
    guard (1...1000).contains(samples) else { throw ValidationError("--samples must be from 1 to 1000.") }
  }
}

/// Which part of the source is read, where it holds several.
struct SourceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The entry point (default: serving_default, or the first one).", valueName: "name"))
  var signature: String?
  @Option(
    help: ArgumentHelp(
      "The tags of the meta graph in a SavedModel, with commas between them (default: serve, or the only one).", valueName: "tags"))
  var tag: String?

  var read: ReadOptions {
    ReadOptions(
      signature: signature, tags: tag.map { $0.split(separator: ",").map { String($0) } } ?? [])
  }
}

/// How many threads the engine uses.
struct ThreadOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Threads to compute with (default: all cores).", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024.") }
  }
  var execution: ExecutionOptions { ExecutionOptions(threads: threads) }
}

/// What `--quantize` can say.
enum QuantizationMode: String, CaseIterable, ExpressibleByArgument {
  case none, float16, dynamic, int8, int16x8
}

/// What `--tfjs-quantize` can say.
enum TFJSQuantization: String, CaseIterable, ExpressibleByArgument {
  case float16, uint8, uint16
  var dtype: DType {
    switch self {
    case .float16: .float16
    case .uint8: .uint8
    case .uint16: .uint16
    }
  }
}
