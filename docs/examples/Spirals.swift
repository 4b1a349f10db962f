import ModelTraining

/// Data for the examples: points on arms of a spiral, each arm a class.
enum Spirals {
  static func make(_ count: Int, classes: Int = 3, seed: Int = 1) throws -> (x: Tensor, y: Tensor) {
    let label = try Tensor.constant((0..<count).map { $0 % classes })
    let radius = try Tensor.random.uniform([count], minValue: 0.1, maxValue: 1, seed: .fixed(seed))
    let noise = try Tensor.random.normal([count], stddev: 0.1, seed: .fixed(seed + 1))
    let angle = try radius * 4 + label.cast(to: .float32) * (2 * Double.pi / Double(classes)) + noise
    return (try Tensor.stack([try radius * angle.cos(), try radius * angle.sin()], axis: 1), try label.cast(to: .int32))
  }
}
