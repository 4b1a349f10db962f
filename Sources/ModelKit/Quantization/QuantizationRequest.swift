import ModelRuntime
import ModelSupport

/// What a conversion is told about quantising its result.
public struct QuantizationRequest: Sendable {
  public var options: QuantizationOptions
  /// A file of representative samples.
  public var representative: String?
  /// A file of ranges that were saved.
  public var ranges: String?
  /// Where the ranges that were found are saved.
  public var savedRanges: String?
  public init(_ options: QuantizationOptions) { self.options = options }

  func data() throws -> RepresentativeData? { try representative.map { RepresentativeData(tensors: try DataFile.tensors($0)) } }
}

/// A calibration in a file of its own.
public enum CalibrationFile {
  /// - Throws: `StorageError`; `FormatError` for what is no saved calibration.
  public static func read(_ path: String) throws -> CalibrationResult {
    let file = try MappedFile(path: path)
    do { return try CalibrationResult(try JSONValue(parsing: file.bytes)) } catch let error as FormatError { throw error.inFile(path) }
  }

  /// Written beside `path` and renamed; replaces what is there.
  public static func write(_ calibration: CalibrationResult, to path: String) throws {
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    let file = try OutputFile(creating: output.temporaryPath)
    try file.append(Array((calibration.json.text(.indented) + "\n").utf8))
    try file.finish()
    try output.commit()
  }
}
