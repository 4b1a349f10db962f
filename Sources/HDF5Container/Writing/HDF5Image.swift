import CHDF5
import ModelSupport

/// What the library writes, kept in memory by pages: structure only. Elements never come here, their
/// places are filled when the image is written out.
final class HDF5Image {
  private static let page = 4096
  private var pages: [Int: [UInt8]] = [:]
  /// The end of what was written.
  private(set) var count = 0

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    var done = 0
    while done < bytes.count {
      let page = (offset + done) / Self.page, start = (offset + done) % Self.page
      let size = min(Self.page - start, bytes.count - done)
      pages[page, default: [UInt8](repeating: 0, count: Self.page)].withUnsafeMutableBytes { out in
        UnsafeMutableRawBufferPointer(rebasing: out[start..<(start + size)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<(done + size)]))
      }
      done += size
    }
    count = max(count, offset + bytes.count)
  }

  /// The bytes of `range`; zeros where nothing was written.
  func read(_ range: Range<Int>) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: range.count)
    var done = 0
    while done < range.count {
      let page = (range.lowerBound + done) / Self.page, start = (range.lowerBound + done) % Self.page
      let size = min(Self.page - start, range.count - done)
      if let bytes = pages[page] { result.replaceSubrange(done..<(done + size), with: bytes[start..<(start + size)]) }
      done += size
    }
    return result
  }

  static let readBack: @convention(c) (UnsafeMutableRawPointer?, UInt64, Int, UnsafeMutableRawPointer?) -> Int32 = {
    context, offset, count, out in
    guard let context, let out else { return -1 }
    let image = Unmanaged<HDF5Image>.fromOpaque(context).takeUnretainedValue()
    let bytes = image.read(Int(offset)..<(Int(offset) + count))
    out.copyMemory(from: bytes, byteCount: count)
    return 0
  }

  static let take: @convention(c) (UnsafeMutableRawPointer?, UInt64, Int, UnsafeRawPointer?) -> Int32 = {
    context, offset, count, bytes in
    guard let context else { return -1 }
    let image = Unmanaged<HDF5Image>.fromOpaque(context).takeUnretainedValue()
    image.write(UnsafeRawBufferPointer(start: bytes, count: count), at: Int(offset))
    return 0
  }
}
