import ModelSupport
import ModelVerify

/// How a model is converted.
public struct ConversionOptions: Sendable {
  /// What to read the source as; `nil` looks at its contents.
  public var sourceFormat: ModelFormat?
  /// What to write; `nil` goes by the destination's extension.
  public var format: ModelFormat?
  public var read: ReadOptions
  public var write: WriteOptions
  /// How source and result are compared; `nil` leaves that out.
  public var verification: VerificationOptions?
  /// Whether an existing destination is replaced.
  public var replacesExisting: Bool
  /// Whether a quantised source is written as the plain float model it stands for.
  public var dequantizes: Bool
  /// How the result is quantised; `nil` leaves numbers as they are.
  public var quantization: QuantizationRequest?
  /// Told what is going on.
  public var onStep: (@Sendable (String) -> Void)?

  public init(
    sourceFormat: ModelFormat? = nil, format: ModelFormat? = nil, read: ReadOptions = ReadOptions(),
    write: WriteOptions = WriteOptions(),
    verification: VerificationOptions? = VerificationOptions(), replacesExisting: Bool = false,
    dequantizes: Bool = false,
    onStep: (@Sendable (String) -> Void)? = nil
  ) {
    self.sourceFormat = sourceFormat
    self.format = format
    self.read = read
    self.write = write
    self.verification = verification
    self.replacesExisting = replacesExisting
    self.dequantizes = dequantizes
    self.onStep = onStep
  }
}

/// What a conversion did.
public struct ConversionReport: Sendable {
  public var source: String
  public var destination: String
  public var sourceFormat: ModelFormat
  public var format: ModelFormat
  public var seconds = 0.0
  /// Of everything that was written.
  public var bytes = 0
  public var verification: VerificationReport?
  /// What quantising saved and cost.
  public var quantization: QuantizationReport?
  /// Everything the target could not carry, and why nothing was verified if that is so.
  public var notes: [String] = []

  /// The document `convert --json` prints.
  public var json: JSONValue {
    var document: JSONValue = [
      "source": .string(source), "destination": .string(destination), "seconds": .double(seconds),
      "bytes": .int(bytes), "verification": verification?.json ?? .null, "notes": .array(notes.map { .string($0) }),
      "source_format": .string(sourceFormat.rawValue), "format": .string(format.rawValue),
    ]
    if let quantization { document["quantization"] = quantization.json }
    return document
  }
}

/// A result that does not compute what its source does; nothing was left at the destination (exit code 1).
public struct VerificationFailure: Error, Sendable, CustomStringConvertible {
  public var report: ConversionReport
  public var description: String {
    "\(report.destination): the result does not compute what \(report.source) does; nothing was written"
  }
}
