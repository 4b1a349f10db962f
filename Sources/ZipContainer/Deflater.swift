import CZip
import ModelSupport

/// A raw deflate stream.
final class Deflater {
  private var stream = z_stream()
  private let out = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  init() throws {
    guard czip_raw_deflate(&stream) == Z_OK else { throw FormatError(.invalidStructure, "zlib does not start") }
  }

  deinit {
    deflateEnd(&stream)
    out.deallocate()
  }

  /// Compresses `chunk` and calls `body` with what comes out.
  func add(_ chunk: UnsafeRawBufferPointer, isLast: Bool, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    // zlib counts in 32 bits; chunks are a few megabytes.
    stream.next_in = UnsafeMutablePointer(mutating: chunk.bindMemory(to: UInt8.self).baseAddress)
    stream.avail_in = UInt32(clamping: chunk.count)
    repeat {
      stream.next_out = out.bindMemory(to: UInt8.self).baseAddress
      stream.avail_out = UInt32(out.count)
      let status = deflate(&stream, isLast ? Z_FINISH : Z_NO_FLUSH)
      guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
        throw FormatError(.invalidStructure, "zlib fails with \(status)")
      }
      try body(UnsafeRawBufferPointer(rebasing: out[..<(out.count - Int(stream.avail_out))]))
    } while stream.avail_out == 0
  }
}
