import CImage
import ModelSupport
import ModelTraining

/// How the colours of pictures are read.
public enum ColorMode: String, Sendable, CaseIterable {
  case rgb, rgba, grayscale
  /// The channels of a pixel.
  public var channels: Int {
    switch self {
    case .rgb: 3
    case .rgba: 4
    case .grayscale: 1
    }
  }
}

/// PNG and JPEG pictures as tensors (as `tf.io.decode_image` gives them).
public enum Image {
  /// The pixels that a picture may have at most, in bytes.
  public static let maxBytes = 1 << 29

  /// A picture out of the bytes of a file.
  /// - Parameter mode: the colours; those of the file when not given.
  /// - Returns: uint8 `[height, width, channels]`.
  /// - Throws: `FormatError` for what is no PNG or JPEG picture, or a damaged one, or one that is larger than `maxBytes`;
  ///   `UnsupportedError` for CMYK colours.
  public static func decode(_ bytes: UnsafeRawBufferPointer, mode: ColorMode? = nil, maxBytes: Int = maxBytes) throws -> Tensor {
    let isPNG = bytes.count >= 8 && bytes.prefix(8).elementsEqual([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    let isJPEG = bytes.count >= 3 && bytes.prefix(3).elementsEqual([0xFF, 0xD8, 0xFF])
    guard isPNG || isJPEG, let base = bytes.bindMemory(to: UInt8.self).baseAddress else {
      throw FormatError(
        .unrecognized, bytes.isEmpty ? "expected a PNG or JPEG picture, the file is empty" : "expected a PNG or JPEG picture")
    }
    var image = cimage(), message = [CChar](repeating: 0, count: 256)
    let decode = isPNG ? cimage_decode_png : cimage_decode_jpeg
    let code = decode(base, bytes.count, Int32(mode?.channels ?? 0), max(0, maxBytes), &image, &message)
    defer { cimage_free(&image) }
    let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), kind = isPNG ? "PNG" : "JPEG"
    switch Int(code) {
    case 0: break
    case Int(CIMAGE_TOO_LARGE): throw FormatError(.limitExceeded, "expected a picture of at most \(maxBytes) bytes, found \(text)")
    case Int(CIMAGE_UNSUPPORTED): throw UnsupportedError("\(kind) picture with \(text) is not supported")
    default: throw FormatError(.invalidStructure, "damaged \(kind) picture: \(text)")
    }
    let shape = [Int(image.height), Int(image.width), Int(image.channels)]
    let array = NDArray(uninitialized: .uint8, shape)
    array.withMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(start: image.pixels, count: shape.reduce(1, *))) }
    return Tensor(array)
  }

  /// A picture of a file.
  /// - Throws: as `decode`, naming the file; `StorageError` when there is nothing to read.
  public static func load(_ path: String, mode: ColorMode? = nil) throws -> Tensor {
    let file = try MappedFile(path: path)
    do { return try decode(UnsafeRawBufferPointer(file.bytes), mode: mode) } catch let error as FormatError {
      throw error.inFile(path)
    } catch let error as UnsupportedError { throw UnsupportedError("\(path): \(error.message)", items: error.items) }
  }
}
