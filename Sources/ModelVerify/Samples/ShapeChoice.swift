import ModelTensor

/// A way to choose the extents that a model leaves open.
///
/// The first axis of an input is taken for the batch when it is open. Other open dimensions get extents
/// that differ from each other, so that a wrong transpose shows; one name has one extent.
struct ShapeChoice: Sendable {
  var batch: Int
  /// Extents for open dimensions of images (rank 4 and above), in order of appearance.
  var spatial: [Int]
  /// Extents for other open dimensions, in order of appearance.
  var other: [Int]
  /// Integers without a known limit are drawn from this range.
  var integers: Range<Int> = 0..<10
  /// Whether inputs of unknown rank are scalars, not matrices.
  var unrankedIsScalar = false

  /// In the order in which they are tried: the first that the model accepts is used. Odd small sizes show more
  /// mistakes; networks that halve an image several times need larger ones; some take only one size.
  static let alternatives: [ShapeChoice] = [
    ShapeChoice(batch: 2, spatial: [32, 64, 96], other: [5, 7, 11, 13, 17, 19]),
    ShapeChoice(batch: 2, spatial: [64, 96, 128], other: [8, 16, 24, 32], integers: 1..<5),
    ShapeChoice(batch: 2, spatial: [64], other: [16], integers: 1..<3),
    ShapeChoice(batch: 1, spatial: [224], other: [32], integers: 1..<2),
    ShapeChoice(batch: 1, spatial: [32], other: [1], integers: 0..<1),
    ShapeChoice(batch: 1, spatial: [1], other: [1], integers: 1..<2),
    ShapeChoice(batch: 1, spatial: [320], other: [64], integers: 1..<2),
    ShapeChoice(batch: 1, spatial: [512], other: [256], integers: 1..<2),
    // What an exporter took for the batch, though it was the channels.
    ShapeChoice(batch: 3, spatial: [3], other: [3]),
    ShapeChoice(batch: 4, spatial: [4], other: [4]),
    // Where the first axis is no batch, but the time that windows of some length slide over.
    ShapeChoice(batch: 96, spatial: [96], other: [96], integers: 1..<2),
    ShapeChoice(batch: 2, spatial: [64], other: [16], integers: 1..<2, unrankedIsScalar: true),
  ]

  /// What is tried in place of integers that a later sample can't have.
  static let narrowIntegers: [Range<Int>] = [1..<5, 1..<3, 1..<2, 0..<1]

  /// The extents of inputs of these shapes. `batch` stands for the batch of this sample.
  func extents(of shapes: [Shape], batch: Int) -> [[Int]] {
    var named: [String: Int] = [:]
    var spatialIndex = 0, otherIndex = 0
    func next(isSpatial: Bool) -> Int {
      if isSpatial {
        spatialIndex += 1
        return spatial[(spatialIndex - 1) % spatial.count]
      }
      otherIndex += 1
      return other[(otherIndex - 1) % other.count]
    }
    return shapes.map { shape in
      // Of an input whose rank is open nothing is known; a matrix suits most.
      guard let dims = shape.dims else { return unrankedIsScalar ? [] : [batch, next(isSpatial: false)] }
      return dims.enumerated().map { axis, dim in
        switch dim {
        case .fixed(let extent): return extent
        case .unknown: return axis == 0 ? batch : next(isSpatial: dims.count >= 4)
        case .named(let name):
          if let known = named[name] { return known }
          let extent = axis == 0 ? batch : next(isSpatial: dims.count >= 4)
          named[name] = extent
          return extent
        }
      }
    }
  }
}
