import ModelOps
import ModelSupport
import ModelTensor

/// Images pulled about like rubber: Keras's `RandomElasticTransform` with its draws.
extension RandomImages {
  func stretchedElastically() throws -> Tensor {
    let factor = try settings.range("factor", (0, 1)) { (0, abs($0)) }, scale = try settings.range("scale", (0, 1)) { (0, abs($0)) }
    guard factor.low >= 0, factor.high <= 1 else { throw settings.invalid("factor", "from 0 to 1") }
    guard scale.low >= 0, scale.high <= 1 else { throw settings.invalid("scale", "from 0 to 1") }
    guard let fill = ImageFill(rawValue: settings.text("fill_mode", "reflect")) else {
      throw settings.invalid("fill_mode", "constant, reflect, wrap or nearest")
    }
    let range = try settings.range("value_range", (0, 255))
    guard scale.high > 0, factor.high > 0 else { return images }
    let probability = try draw([count], factor.low, factor.high), isApplied = try draw([count]) .< probability
    let distortion = try draw([], scale.low, scale.high)
    let alpha = try distortion * (0.1 * Double(max(height, width))), sigma = try distortion * (0.05 * Double(min(height, width)))
    // Rows and columns are moved by the same numbers: both draws of Keras have one seed.
    let noise = try Tensor.random.normal([count, height, width], seed: seed) * sigma
    let moved = try alpha * blurred(noise, sigma, most: 0.05 * scale.high * Double(min(height, width)))
    let rows = try moved + Tensor((0..<height).map(Float.init), shape: [1, height, 1])
    let columns = try moved + Tensor((0..<width).map(Float.init), shape: [1, 1, width])
    let result = try Tensor.where(try isApplied.reshape([count, 1, 1, 1]), try looked(up: rows, columns, fill), images)
    return try result.clip(min: range.low, max: range.high)
  }

  /// `x` of `[N, H, W]` convolved with a bell of a width that is drawn: as many steps as `most` asks for, those outside of its own window 0.
  private func blurred(_ x: Tensor, _ sigma: Tensor, most: Double) throws -> Tensor {
    let reach = 3 * Int(most), places = Tensor((-reach...reach).map(Float.init))
    let isInside = try places.abs() .<= sigma.floor() * 3
    let bell = try Tensor.where(isInside, try ((places / sigma.maximum(1e-6)).square() * -0.5).exp(), try Tensor.zeros(like: places))
    let kernel = try bell / bell.reduceSum()
    func along(_ axis: Int, _ x: Tensor) throws -> Tensor {
      var outside = [(before: Int, after: Int)](repeating: (0, 0), count: 3)
      outside[axis] = (reach, reach)
      let padded = try x.pad(outside), extent = x.shape[axis]
      var sum = try Tensor.zeros(like: x)
      for place in 0...(2 * reach) {
        sum = try sum + padded.gather(Array(place..<(place + extent)), axis: axis) * kernel[place]
      }
      return sum
    }
    return try along(2, try along(1, x))
  }

  /// Each place of the result looked up at a row and a column that lie between others.
  private func looked(up rows: Tensor, _ columns: Tensor, _ fill: ImageFill) throws -> Tensor {
    let last = settings.isChannelsFirst ? try images.transpose([0, 2, 3, 1]) : images, channels = last.shape[3]
    let flat = try last.reshape([count * height * width, channels])
    let first = try Tensor((0..<count).map { Int64($0 * height * width) }, shape: [count, 1, 1])
    let outside = try Tensor.scalar(try settings.number("fill_value", 0), dtype: last.dtype)
    let isNearest = settings.text("interpolation", "bilinear") == "nearest"
    func neighbours(_ x: Tensor, _ extent: Int) throws -> [Neighbour] {
      guard !isNearest else { return [try neighbour(x.round(), nil, extent, fill)] }
      let lower = try x.floor(), share = try x - lower
      return [try neighbour(lower, 1 - share, extent, fill), try neighbour(lower + 1, share, extent, fill)]
    }
    var sum: Tensor?
    for row in try neighbours(rows, height) {
      for column in try neighbours(columns, width) {
        let place = try row.place * Tensor([Int64(width)]) + column.place + first
        var value = try flat.gather(place)
        if fill == .constant {
          value = try Tensor.where(try row.isValid.logicalAnd(column.isValid).expandDims(axis: 3), value, outside)
        }
        if let a = row.weight, let b = column.weight { value = try value * (a * b).expandDims(axis: 3).cast(to: last.dtype) }
        sum = try sum.map { try $0 + value } ?? value
      }
    }
    let result = sum ?? last
    return settings.isChannelsFirst ? try result.transpose([0, 3, 1, 2]) : result
  }

  private struct Neighbour {
    var place: Tensor, isValid: Tensor, weight: Tensor?
  }
  /// Where a whole number lies in an extent, or where its fill mode takes it.
  private func neighbour(_ index: Tensor, _ weight: Tensor?, _ extent: Int, _ fill: ImageFill) throws -> Neighbour {
    let size = Double(extent)
    func modulo(_ x: Tensor, _ size: Double) throws -> Tensor { try x - (x / size).floor() * size }
    let isValid = try (index .>= 0).logicalAnd(index .< size), inside: Tensor
    switch fill {
    case .constant, .nearest: inside = index
    case .wrap: inside = try modulo(index, size)
    case .reflect:
      let turned = try modulo(index.abs(), 2 * size)
      inside = try Tensor.where(turned .< size, turned, try 2 * size - 1 - turned)
    }
    return Neighbour(place: try inside.clip(min: 0, max: size - 1).cast(to: .int64), isValid: isValid, weight: weight)
  }
}
