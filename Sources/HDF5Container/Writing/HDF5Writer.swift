import CHDF5
import ModelSupport
import ModelTensor

/// Makes an HDF5 file: the library lays out the structure in memory, the elements are streamed from
/// their sources into the places it gave them. The same calls make the same bytes.
/// ```swift
/// let writer = try HDF5Writer()
/// try writer.root.group("dense").dataset("kernel", kernel)
/// try writer.write(to: "weights.h5")
/// ```
public final class HDF5Writer {
  private let image = HDF5Image()
  private var handle: HDF5Handle?
  /// Where the elements of each dataset belong.
  private var placed: [(offset: Int, source: any ByteSource)] = []
  public private(set) var root: HDF5GroupWriter

  /// Elements begin at multiples of this, so that a mapped file can be computed with in place.
  public static let alignment = 64

  public init() throws {
    let access = try HDF5Handle("making a file") { [image] in
      chdf5_access(
        chdf5_bytes(
          context: Unmanaged.passUnretained(image).toOpaque(), size: 0,
          read: HDF5Image.readBack, write: HDF5Image.take))
    }
    HDF5Library.call { H5Pset_alignment(access.id, 1024, hsize_t(Self.alignment)) }
    let creation = try HDF5Handle("making a file") { H5Pcreate(chdf5_file_create()) }
    HDF5Library.call { H5Pset_obj_track_times(creation.id, false) }
    let handle = try HDF5Handle("making a file") {
      H5Fcreate("image", chdf5_truncating(), creation.id, access.id)
    }
    self.handle = handle
    let group = try HDF5Handle("making a file") { H5Gopen2(handle.id, "/", chdf5_default()) }
    root = HDF5GroupWriter(path: "/", handle: group)
    root.owner = self
  }

  // The library writes to the image as it closes: that must come before the image goes.
  deinit { close() }

  private func close() {
    root.close()
    if let handle { HDF5Library.call { H5Fclose(handle.id) } }
    handle = nil
  }

  func place(_ source: any ByteSource, at offset: Int) { placed.append((offset, source)) }

  /// Closes the file's structure and gives the whole file as a source, made of the structure and of
  /// the datasets' own sources. Nothing can be added afterwards.
  public func finish() throws -> any ByteSource {
    if let handle {
      try HDF5Library.call { try HDF5Library.check(H5Fflush(handle.id, H5F_SCOPE_GLOBAL), "finishing the file") }
      close()
    }
    var parts: [any ByteSource] = []
    var position = 0
    for (offset, source) in placed.sorted(by: { $0.offset < $1.offset }) {
      guard offset >= position else { throw FormatError(.invalidStructure, "datasets overlap in the file to be written") }
      parts.append(MemorySource(image.read(position..<offset)))
      parts.append(source)
      position = offset + source.byteCount
    }
    if image.count > position { parts.append(MemorySource(image.read(position..<image.count))) }
    return CompositeSource(parts)
  }

  /// Writes the file at `path`.
  /// - Throws: `StorageError`, or what a source throws when it is read.
  public func write(to path: String) throws {
    let source = try finish()
    let output = try OutputFile(creating: path)
    try output.append(source)
    try output.finish()
  }
}
