import CHDF5
import ModelSupport

/// An HDF5 file opened for reading, wherever its bytes stand: a file, an entry of a zip archive, memory.
///
/// Opening reads the root of the structure; datasets are read when their tensors are asked for bytes.
/// ```swift
/// let file = try HDF5File(path: "model.h5")
/// let kernel = try file.root.dataset("dense/kernel:0").tensor
/// ```
/// Links that lead outside the file and datasets stored outside it are refused.
public final class HDF5File: Sendable {
  /// The file's name in errors.
  public let name: String
  public let source: any ByteSource
  let handle: HDF5Handle
  private let bytes: Bytes
  private let checker: HDF5Checker

  /// - Throws: `StorageError` when the file can't be opened, `FormatError` when it is no sound HDF5 file.
  public convenience init(path: String) throws {
    let file = try MappedFile(path: path)
    try self.init(source: FileSlice(file, 0..<file.count), name: path)
  }

  /// Reads in place from `source`.
  public init(source: any ByteSource, name: String) throws {
    self.source = source
    self.name = name
    let bytes = Bytes(source)
    self.bytes = bytes
    do {
      guard let base = try Self.signatureOffset(in: source) else {
        throw FormatError(.unrecognized, "expected an HDF5 file, found no HDF5 signature")
      }
      checker = try HDF5Checker(source, base: base)
      try checker.checkRoot()
      let access = try HDF5Handle("opening") {
        chdf5_access(
          chdf5_bytes(
            context: Unmanaged.passUnretained(bytes).toOpaque(), size: UInt64(source.byteCount),
            read: Self.read, write: nil))
      }
      handle = try HDF5Handle("opening") { H5Fopen("source", chdf5_read_only(), access.id) }
    } catch let error as FormatError { throw error.inFile(name) }
  }

  /// Whether the bytes begin like an HDF5 file: the signature stands at 0, 512, 1024, 2048, …
  public static func matches(_ source: any ByteSource) throws -> Bool { try signatureOffset(in: source) != nil }

  private static func signatureOffset(in source: any ByteSource) throws -> Int? {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    var offset = 0
    while offset <= source.byteCount - signature.count {
      var found = false
      try source.withBytes(in: offset..<(offset + signature.count)) { found = $0.elementsEqual(signature) }
      if found { return offset }
      offset = offset == 0 ? 512 : offset * 2
    }
    return nil
  }

  /// The root group.
  public var root: HDF5Group {
    get throws {
      try located("/") {
        HDF5Group(self, path: "/", handle: try HDF5Handle("opening") { H5Gopen2(handle.id, "/", chdf5_default()) })
      }
    }
  }

  /// Checks the header at `address`, and what hangs from it, before the library follows it.
  func check(object address: UInt64) throws { try checker.check(object: address) }

  /// Runs `body` and says of its errors where in this file they belong.
  func located<R>(_ path: String, _ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as FormatError {
      guard error.location.file == nil else { throw error }
      throw error.within(path).inFile(name)
    }
  }

  /// What the driver's callbacks see.
  private final class Bytes: Sendable {
    let source: any ByteSource
    init(_ source: any ByteSource) { self.source = source }
  }

  private static let read: @convention(c) (UnsafeMutableRawPointer?, UInt64, Int, UnsafeMutableRawPointer?) -> Int32 = {
    context, offset, count, out in
    guard let context, let out, let offset = Int(exactly: offset), count >= 0 else { return -1 }
    let source = Unmanaged<Bytes>.fromOpaque(context).takeUnretainedValue().source
    guard offset <= source.byteCount else { return -1 }
    // The library reads its first block before it knows how long the file is: the rest is zeros.
    let present = min(count, source.byteCount - offset)
    do {
      try source.withBytes(in: offset..<(offset + present)) { bytes in
        if let base = bytes.baseAddress { out.copyMemory(from: base, byteCount: present) }
      }
    } catch { return -1 }
    (out + present).initializeMemory(as: UInt8.self, repeating: 0, count: count - present)
    return 0
  }
}
