/// The sizes of a pool's buffers: multiples of a quarter of the power of two below, at least 64 bytes.
struct SizeClass {
  let place: Int
  var size: Int { Self.size(place) }
  /// Larger classes whose buffers serve as well: up to twice the size.
  static let reach = 4
  /// For sizes below 2^62.
  static let count = 4 * (62 - 6) + 2

  /// The smallest class that holds so many bytes.
  init(_ bytes: Int) {
    let bytes = max(64, bytes)
    let power = Int.bitWidth - 1 - bytes.leadingZeroBitCount
    let quarter = 1 << (power - 2)
    place = min((power - 6) * 4 + (bytes - (1 << power) + quarter - 1) / quarter, Self.count - 1)
  }
  static func size(_ place: Int) -> Int { (1 << (6 + place / 4)) / 4 * (4 + place % 4) }
}
