#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import ModelSupport

/// Writes the figures of each epoch as a line of a CSV file. Those that are several numbers stand in one field: `"[0.5, 0.25]"`.
public final class CSVLogger: Callback {
  public let fileName: String
  public let separator: String
  /// Whether lines go behind those that the file has.
  public let appends: Bool
  private var file: UnsafeMutablePointer<FILE>?
  private var keys: [String]?
  private var writesHeader = true
  private weak var model: Model?

  public init(_ fileName: String, separator: String = ",", append: Bool = false) {
    self.fileName = fileName
    self.separator = separator
    appends = append
  }
  deinit { close() }
  public var wantsBatchLogs: Bool { false }
  public func setModel(_ model: Model) { self.model = model }

  public func onTrainBegin(_ logs: Logs) throws {
    close()
    writesHeader = !(appends && FileSystem.byteCount(fileName) > 0)
    keys = nil
    guard let opened = fopen(fileName, appends ? "a" : "w") else {
      throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: fileName)
    }
    file = opened
  }
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws {
    if keys == nil {
      var found = logs.keys.sorted()
      // Validation may come with a later epoch.
      if !found.contains(where: { $0.hasPrefix("val_") }) { found += found.map { "val_\($0)" } }
      keys = found
      if writesHeader { try write(["epoch"] + found) }
    }
    try write(["\(epoch)"] + (keys ?? []).map { field($0, logs) })
  }
  public func onTrainEnd(_ logs: Logs) { close() }

  private func field(_ key: String, _ logs: Logs) -> String {
    guard let value = logs[key] else { return "NA" }
    guard let list = model?.fitProgress?.lists[key] else { return "\(value)" }
    return "\"[\(list.map { "\(Float($0))" }.joined(separator: ", "))]\""
  }

  private func write(_ fields: [String]) throws {
    guard let file else { return }
    // As Python's `csv` writes lines: fields that could be misread in quotes, quotes inside doubled.
    let quoted = fields.map { field in
      guard field.contains(separator) || field.contains(where: { "\"\r\n".contains($0) }) else { return field }
      return "\"\(field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
    }
    guard fputs(quoted.joined(separator: separator) + "\r\n", file) >= 0, fflush(file) == 0 else {
      throw StorageError(.ioFailed, String(cString: strerror(errno)), path: fileName)
    }
  }
  private func close() {
    if let file { fclose(file) }
    file = nil
  }
}
