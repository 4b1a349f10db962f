#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import ModelSupport

/// Keeps what a run needs to go on after the process was ended, and goes on with it: the result is that of a run without a break.
///
/// Each backup is written beside the last one, brought to the disk and renamed: there is a whole one at any moment.
public final class BackupAndRestore: Callback {
  public let backupDirectory: String
  public let saveFrequency: SaveFrequency
  /// Whether the backup before the last one is kept too, for the case that the last one can't be read.
  public let keepsPrevious: Bool
  public let deletesCheckpoint: Bool
  private var batches = BatchCounter()
  private weak var model: Model?

  /// - Parameters:
  ///   - doubleCheckpoint: the backup before the last one is kept too; a run goes on with it where the last one can't be read.
  ///   - deleteCheckpoint: the directory goes when training has ended.
  /// - Throws: `TensorError` for a frequency below 1.
  public init(
    _ backupDirectory: String, saveFreq: SaveFrequency = .epoch, doubleCheckpoint: Bool = false, deleteCheckpoint: Bool = true
  ) throws {
    if case .batches(let count) = saveFreq, count < 1 {
      throw TensorError(.invalidArgument, "BackupAndRestore: expected a frequency of 1 batch or more, found \(count)")
    }
    guard !backupDirectory.isEmpty else { throw TensorError(.invalidArgument, "BackupAndRestore: expected a directory") }
    self.backupDirectory = backupDirectory
    saveFrequency = saveFreq
    keepsPrevious = doubleCheckpoint
    deletesCheckpoint = deleteCheckpoint
  }
  /// The file of the last backup.
  public var path: String { "\(backupDirectory)/latest.npz" }
  /// The file of the one before.
  public var previousPath: String { path + ".bkp" }
  public var wantsBatchLogs: Bool { false }
  public func setModel(_ model: Model) { self.model = model }

  public func onTrainBegin(_ logs: Logs) throws {
    batches = BatchCounter()
    model?.fitProgress?.restored = try lastReadable()
  }
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws {
    if case .batches(let frequency) = saveFrequency, batches.isDue(batch, every: frequency) { try save() }
  }
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws { if saveFrequency == .epoch { try save() } }
  public func onTrainEnd(_ logs: Logs) { if deletesCheckpoint { Self.removeBackup(in: backupDirectory) } }

  private func lastReadable() throws -> TrainingSnapshot? {
    let hasPrevious = FileSystem.kind(previousPath) == .file
    do {
      if FileSystem.kind(path) == .file { return try TrainingSnapshot(path: path) }
    } catch {
      guard hasPrevious else { throw error }
      Console.warn("the last backup can't be read (\(error)): going on with the one before")
    }
    return hasPrevious ? try TrainingSnapshot(path: previousPath) : nil
  }

  /// Removes a backup, and the directory unless it holds something else.
  static func removeBackup(in directory: String) {
    for name in ["latest.npz", "latest.npz.bkp"] { FileSystem.remove("\(directory)/\(name)") }
    // A kill in the middle of writing leaves the file that was to take its place.
    for name in FileSystem.names(in: directory) ?? [] where name.hasPrefix(".") && name.hasSuffix("-latest.npz") {
      FileSystem.remove("\(directory)/\(name)")
    }
    if FileSystem.names(in: directory)?.isEmpty == true { FileSystem.remove(directory) }
  }

  private func save() throws {
    guard let model else { return }
    try FileSystem.createDirectories(backupDirectory)
    let snapshot = try TrainingSnapshot(of: model)
    if keepsPrevious, FileSystem.kind(path) == .file, rename(path, previousPath) != 0 {
      throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: previousPath)
    }
    try snapshot.save(path)
  }
}
