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
  @Option(name: .customLong("atol"), help: ArgumentHelp("Largest absolute difference allowed. (default: 1e-05)", valueName: "x"))
  var givenAtol: Double?
  @Option(
    name: .customLong("rtol"),
    help: ArgumentHelp("Largest relative difference allowed, added to --atol. (default: 0.0001)", valueName: "x"))
  var givenRtol: Double?
  var atol: Double { givenAtol ?? 1e-5 }
  var rtol: Double { givenRtol ?? 1e-4 }
  /// Whether the tolerances were asked for.
  var isStrict: Bool { givenAtol != nil || givenRtol != nil }
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

extension QuantizationMode: ExpressibleByArgument {}

/// What `--input-type` and `--output-type` can say.
enum PortType: String, CaseIterable, ExpressibleByArgument {
  case float32, int8, uint8, int16
  var dtype: DType {
    switch self {
    case .float32: .float32
    case .int8: .int8
    case .uint8: .uint8
    case .int16: .int16
    }
  }
}

/// What `--calibration` can say.
enum CalibrationChoice: String, CaseIterable, ExpressibleByArgument {
  case minMax = "min-max"
  case movingAverage = "moving-average"
  case percentile, mse
}

/// A layer's scheme: `pattern=scheme`, or `op:Name=scheme`.
struct LayerChoice: ExpressibleByArgument {
  var recipe: QuantizationRecipe
  init?(argument: String) {
    guard let equals = argument.lastIndex(of: "="), let scheme = LayerScheme(rawValue: String(argument[argument.index(after: equals)...]))
    else { return nil }
    var recipe = QuantizationRecipe(scheme: scheme)
    for part in argument[..<equals].split(separator: ",") {
      if part.hasPrefix("op:") { recipe.op = String(part.dropFirst(3)) } else { recipe.pattern = String(part) }
    }
    guard recipe.op != nil || recipe.pattern != nil else { return nil }
    self.recipe = recipe
  }
  var defaultValueDescription: String { recipe.description }
}

/// How a model is quantised.
struct QuantizationArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Store numbers in fewer bits.", valueName: "none|float16|dynamic|int8|int16x8"))
  var quantize = QuantizationMode.none
  @Option(help: ArgumentHelp("Samples of what the model will see (.npz or .npy), to find the ranges of its values.", valueName: "data.npz"))
  var representative: String?
  @Option(help: ArgumentHelp("How ranges are found.", valueName: "min-max|moving-average|percentile|mse"))
  var calibration = CalibrationChoice.minMax
  @Option(help: ArgumentHelp("The share of numbers that a range of --calibration percentile holds.", valueName: "x"))
  var percentile = 99.99
  @Option(help: ArgumentHelp("Write the ranges that were found.", valueName: "file.json"))
  var saveRanges: String?
  @Option(help: ArgumentHelp("Take ranges that were saved, instead of finding them.", valueName: "file.json"))
  var ranges: String?
  @Option(help: ArgumentHelp("What the result takes.", valueName: "float32|int8|uint8|int16"))
  var inputType = PortType.float32
  @Option(help: ArgumentHelp("What the result gives.", valueName: "float32|int8|uint8|int16"))
  var outputType = PortType.float32
  @Option(
    name: .customLong("layer"),
    help: ArgumentHelp(
      "Another scheme for some layers, by name and operator: 'block_1*=float', 'op:Softmax=int16x8'.", valueName: "pattern=scheme"))
  var layers: [LayerChoice] = []
  @Flag(help: "Fail with the list of operators that would stay float.")
  var fullInteger = false
  @Option(
    help: ArgumentHelp(
      "Move the worst layers to 16 bits or float until outputs differ by no more than this, relative to them.", valueName: "x"))
  var maxError: Double?

  func validate() throws {
    if quantize == .none {
      let given: [(String, Bool)] = [
        ("--representative", representative != nil), ("--ranges", ranges != nil), ("--save-ranges", saveRanges != nil),
        ("--layer", !layers.isEmpty), ("--full-integer", fullInteger), ("--max-error", maxError != nil),
        ("--input-type", inputType != .float32), ("--output-type", outputType != .float32),
      ]
      if let (name, _) = given.first(where: { $0.1 }) { throw ValidationError("\(name) goes with --quantize.") }
      return
    }
    if !quantize.needsRanges, inputType != .float32 || outputType != .float32 || fullInteger || maxError != nil {
      throw ValidationError("--input-type, --output-type, --full-integer and --max-error go with --quantize int8 or int16x8.")
    }
    let types = [inputType, outputType]
    if quantize == .int8, types.contains(.int16) { throw ValidationError("--quantize int8 takes and gives float32, int8 or uint8.") }
    if quantize == .int16x8, types.contains(.int8) || types.contains(.uint8) {
      throw ValidationError("--quantize int16x8 takes and gives float32 or int16.")
    }
    guard percentile > 50, percentile <= 100 else { throw ValidationError("--percentile must be above 50 and at most 100.") }
    if let maxError {
      guard maxError > 0, maxError.isFinite else { throw ValidationError("--max-error must be above 0.") }
      guard representative != nil else { throw ValidationError("--max-error needs --representative data to measure with.") }
    }
  }

  /// - Throws: the error of reading what was saved.
  func request(_ progress: Progress) throws -> QuantizationRequest? {
    guard quantize != .none else { return nil }
    var options = QuantizationOptions(quantize)
    switch calibration {
    case .minMax: options.calibration = .minMax
    case .movingAverage: options.calibration = .movingAverage(momentum: 0.9)
    case .percentile: options.calibration = .percentile(percentile)
    case .mse: options.calibration = .meanSquaredError
    }
    options.recipes = layers.map(\.recipe)
    options.inputType = inputType.dtype
    options.outputType = outputType.dtype
    options.isFullInteger = fullInteger
    options.maxError = maxError
    options.progress = { progress.show($0, $1) }
    var request = QuantizationRequest(options)
    request.representative = representative
    request.ranges = ranges
    request.savedRanges = saveRanges
    return request
  }
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
