import ModelTensor

/// A weight as Keras's `TensorBoard` draws it: up to three pictures, one for each matrix that it is made of.
struct WeightPicture {
  let width: Int, height: Int
  /// PNG files.
  let files: [[UInt8]]

  /// Nil for a weight that is no picture: numbers alone, more than four extents, whole numbers.
  init?(_ weight: Tensor) throws {
    guard weight.dtype.isFloatingPoint else { return nil }
    let values = try weight.doubles()
    var shape = weight.shape.filter { $0 != 1 }
    // Where the element of a picture's row and column is found.
    let count: Int, place: (_ picture: Int, _ row: Int, _ column: Int) -> Int, channels: Int
    switch shape.count {
    case 1:
      (count, height, width, channels) = (1, shape[0], 1, 1)
      place = { _, row, _ in row }
    case 2:
      let columns = shape[1], isTurned = shape[0] > shape[1]
      if isTurned { shape.reverse() }
      (count, height, width, channels) = (1, shape[0], shape[1], 1)
      place = { _, row, column in isTurned ? column * columns + row : row * columns + column }
    case 3:
      let (rows, columns, kernels) = (shape[0], shape[1], shape[2])
      (count, height, width, channels) = (kernels, rows, columns, 1)
      place = { ($1 * columns + $2) * kernels + $0 }
    case 4 where shape[3] == 3 || shape[3] == 4:
      let (rows, columns) = (shape[1], shape[2])
      (count, height, width, channels) = (shape[0], rows, columns, shape[3])
      place = { ($0 * rows + $1) * columns + $2 }
    default: return nil
    }
    let (height, width) = (height, width)
    files = (0..<min(3, count)).map { picture in
      var pixels: [UInt8] = []
      pixels.reserveCapacity(height * width * channels)
      for row in 0..<height {
        for column in 0..<width {
          for channel in 0..<channels {
            // As `tf.image.convert_image_dtype` makes bytes: what lies outside of 0 to 1 is black or white.
            let value = Float(values[place(picture, row, column) * channels + channel]) * 255.5
            pixels.append(value.isNaN ? 0 : UInt8(max(0, min(255, value))))
          }
        }
      }
      return PNGWriter.file(pixels, width: width, height: height, channels: channels)
    }
  }
}

/// Pictures as PNG files without compression: those of weights are small.
enum PNGWriter {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? 0xEDB8_8320 ^ (rest >> 1) : rest >> 1 }
  }
  private static func bytes(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  /// - Parameter channels: 1 for grey, 3 for colours, 4 for colours with alpha.
  static func file(_ pixels: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
    var rows: [UInt8] = []
    for row in 0..<height {
      // No filter.
      rows.append(0)
      rows += pixels[(row * width * channels)..<((row + 1) * width * channels)]
    }
    let kind: UInt8 = channels == 1 ? 0 : channels == 3 ? 2 : 6
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", bytes(width) + bytes(height) + [8, kind, 0, 0, 0])
      + chunk("IDAT", stored(rows)) + chunk("IEND", [])
  }
  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    let crc = ~body.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ ($0 >> 8) }
    return bytes(content.count) + body + bytes(Int(crc))
  }
  /// A zlib stream of blocks that are stored as they are.
  private static func stored(_ content: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x78, 0x01], start = 0
    repeat {
      let block = content[start..<min(content.count, start + 65535)], size = UInt16(block.count)
      start += block.count
      result.append(start == content.count ? 1 : 0)
      for half in [size, ~size] { result += [UInt8(half & 0xFF), UInt8(half >> 8)] }
      result += block
    } while start < content.count
    var (a, b) = (1, 0)
    for byte in content {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    return result + bytes(b << 16 | a)
  }
}
