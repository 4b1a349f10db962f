#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Who takes the memory of an array back, instead of the system.
public protocol ArrayStorageHome: AnyObject, Sendable {
  func takeBack(_ pointer: UnsafeMutableRawPointer, byteCount: Int)
}

/// The memory behind an `NDArray`: 64-byte aligned bytes of its own, or bytes that another object
/// keeps alive (a mapped file). Written only while one array holds it.
public final class ArrayStorage: @unchecked Sendable {
  public let pointer: UnsafeMutableRawPointer
  public let byteCount: Int
  /// Elements of a string array; the bytes are unused then.
  public var strings: [[UInt8]]
  /// What a variant holds; the bytes are unused then.
  let variant: Variant?
  private let owner: (any AnyObject & Sendable)?
  /// The pool that the memory is of, if it is of one.
  package let home: (any ArrayStorageHome)?

  /// Fresh, uninitialised memory.
  public init(byteCount: Int) {
    self.byteCount = byteCount
    var raw: UnsafeMutableRawPointer?
    if posix_memalign(&raw, 64, max(64, byteCount)) != 0 { raw = nil }
    // Without memory nothing can go on; sizes from files are checked long before they come here.
    guard let raw else { fatalError("out of memory: \(byteCount) bytes") }
    pointer = raw
    strings = []
    variant = nil
    owner = nil
    home = nil
  }

  /// Fresh memory, or `nil` when the system has none: for sizes that a file claims.
  package convenience init?(trying byteCount: Int) {
    var raw: UnsafeMutableRawPointer?
    guard posix_memalign(&raw, 64, max(64, byteCount)) == 0, let raw else { return nil }
    self.init(pointer: raw, byteCount: byteCount, home: FreedMemory.shared)
  }

  /// Memory that `owner` keeps alive and nobody writes to.
  public init(borrowing bytes: UnsafeRawBufferPointer, from owner: any AnyObject & Sendable) {
    pointer = UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? Self.empty)
    byteCount = bytes.count
    strings = []
    variant = nil
    self.owner = owner
    home = nil
  }

  /// Memory of a pool, given back to it at the end.
  public init(pointer: UnsafeMutableRawPointer, byteCount: Int, home: any ArrayStorageHome) {
    self.pointer = pointer
    self.byteCount = byteCount
    strings = []
    variant = nil
    owner = nil
    self.home = home
  }

  /// Fresh memory that goes straight back to the system at the end: for large blocks that come and go, which an
  /// allocator would keep.
  convenience init(mapping byteCount: Int) {
    let size = max(1, byteCount)
    let pointer = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let pointer, pointer != MAP_FAILED else {
      self.init(byteCount: byteCount)
      return
    }
    self.init(pointer: pointer, byteCount: byteCount, home: MappedMemory.shared)
  }

  public init(strings: [[UInt8]]) {
    pointer = UnsafeMutableRawPointer(mutating: Self.empty)
    byteCount = 0
    self.strings = strings
    variant = nil
    owner = EmptyOwner.shared
    home = nil
  }

  init(variant: Variant) {
    pointer = UnsafeMutableRawPointer(mutating: Self.empty)
    byteCount = 0
    strings = []
    self.variant = variant
    owner = EmptyOwner.shared
    home = nil
  }

  private nonisolated(unsafe) static let empty = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64))

  deinit {
    if let home { home.takeBack(pointer, byteCount: byteCount) } else if owner == nil { free(pointer) }
  }

  /// Whether the memory may be written to by a sole holder.
  public var isWritable: Bool { owner == nil }
}

private final class MappedMemory: ArrayStorageHome {
  static let shared = MappedMemory()
  func takeBack(_ pointer: UnsafeMutableRawPointer, byteCount: Int) { munmap(pointer, max(1, byteCount)) }
}

private final class FreedMemory: ArrayStorageHome {
  static let shared = FreedMemory()
  func takeBack(_ pointer: UnsafeMutableRawPointer, byteCount: Int) { free(pointer) }
}

private final class EmptyOwner: Sendable {
  static let shared = EmptyOwner()
}
