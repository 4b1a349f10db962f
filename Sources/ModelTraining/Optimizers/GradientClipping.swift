/// Gradients held within bounds, as Keras's optimisers do it.
enum GradientClipping {
  static func apply(_ settings: OptimizerSettings, _ gradients: [Tensor]) throws -> [Tensor] {
    if let norm = settings.clipNorm, norm > 0 { return try gradients.map { try $0.gradientShortened(to: norm) } }
    if let norm = settings.globalClipNorm, norm > 0 { return try byGlobalNorm(gradients, norm) }
    if let value = settings.clipValue, value > 0 { return try gradients.map { try $0.gradientClipped(to: value) } }
    return gradients
  }

  static func byGlobalNorm(_ gradients: [Tensor], _ norm: Double) throws -> [Tensor] {
    let squares = try gradients.map { try $0.gradientSquared().reduceSum() }
    guard var sum = squares.first else { return [] }
    for square in squares.dropFirst() { sum = try sum + square.cast(to: sum.dtype) }
    let length = try sum.sqrt()
    // An infinite norm makes everything NaN, so that it is seen.
    let scale = try norm * (try (1 / length).minimum(1 / norm)) + (length - length)
    return try gradients.map { try $0 * scale.cast(to: $0.dtype) }
  }
}
