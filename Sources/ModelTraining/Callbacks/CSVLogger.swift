#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import ModelSupport

/// Writes the figures of each epoch as a line of a CSV file.
public final class CSVLogger: Callback {
  public let fileName: String
  public let separator: String
  /// Whether lines go behind those that the file has.
  public let appends: Bool
  private var file: UnsafeMutablePointer<FILE>?
  private var keys: [String]?
  private var writesHeader = true

  public init(_ fileName: String, separator: String = ",", append: Bool = false) {
    self.fileName = fileName
    self.separator = separator
    appends = append
  }
  deinit { close() }
  public var wantsBatchLogs: Bool { false }

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
    try write(["\(epoch)"] + (keys ?? []).map { key in logs[key].map { "\($0)" } ?? "NA" })
  }
  public func onTrainEnd(_ logs: Logs) { close() }

  private func write(_ fields: [String]) throws {
    guard let file else { return }
    // As Python's `csv` writes lines.
    guard fputs(fields.joined(separator: separator) + "\r\n", file) >= 0, fflush(file) == 0 else {
      throw StorageError(.ioFailed, String(cString: strerror(errno)), path: fileName)
    }
  }
  private func close() {
    if let file { fclose(file) }
    file = nil
  }
}
