import ModelTraining

/// Data with a structure to learn, made from seeds.
enum SynthesisedData {
  typealias Samples = (x: Tensor, y: Tensor)

  /// Clusters that are bent: three classes in 16 dimensions, of which four tell.
  static func clusters(_ count: Int, seed: UInt64) throws -> Samples {
    var draws = Draws(seed: seed), x: [Float] = [], y: [Int32] = []
    for _ in 0..<count {
      let label = draws.int(3)
      var row = (0..<16).map { _ in draws.normal() }
      for axis in 0..<4 {
        // Each class has two centres, opposite to each other, so that no plane parts them.
        row[axis] += [2.5, -2.5][draws.int(2)] * ((label + axis) % 3 == 0 ? 1 : 0)
      }
      x += row.map { Float($0) }
      y.append(Int32(label))
    }
    return (try Tensor(x, shape: [count, 16]), Tensor(y))
  }

  /// Pictures of 16 × 16 in three colours with a square, a disc or a cross on a noisy ground.
  static func shapes(_ count: Int, seed: UInt64) throws -> Samples {
    var draws = Draws(seed: seed), x: [Float] = [], y: [Int32] = []
    for _ in 0..<count {
      let label = draws.int(3), size = 3 + draws.int(3)
      let row = size + draws.int(16 - 2 * size), column = size + draws.int(16 - 2 * size)
      let ink = (0..<3).map { _ in draws.uniform(0.5, 1) }, ground = (0..<3).map { _ in draws.uniform(0, 0.4) }
      for r in 0..<16 {
        for c in 0..<16 {
          let (dr, dc) = (abs(r - row), abs(c - column))
          let isInside =
            switch label {
            case 0: max(dr, dc) < size
            case 1: dr * dr + dc * dc < size * size
            default: max(dr, dc) < size && min(dr, dc) < 1
            }
          for channel in 0..<3 { x.append(Float((isInside ? ink[channel] : ground[channel]) + 0.05 * draws.normal())) }
        }
      }
      y.append(Int32(label))
    }
    return (try Tensor(x, shape: [count, 16, 16, 3]), Tensor(y))
  }

  /// Two noisy channels over 20 steps: rising, falling, or swinging.
  static func signals(_ count: Int, seed: UInt64) throws -> Samples {
    var draws = Draws(seed: seed), x: [Float] = [], y: [Int32] = []
    for _ in 0..<count {
      let label = draws.int(3), slope = draws.uniform(0.5, 1.5), period = 2 + draws.int(3), start = draws.uniform(-0.5, 0.5)
      for step in 0..<20 {
        let time = Double(step) / 10 - 1
        let value = label == 0 ? slope * time : label == 1 ? -slope * time : (step / period % 2 == 0 ? 0.7 : -0.7)
        x.append(Float(value + start + 0.3 * draws.normal()))
        x.append(Float(0.5 * draws.normal()))
      }
      y.append(Int32(label))
    }
    return (try Tensor(x, shape: [count, 20, 2]), Tensor(y))
  }

  /// Twelve words of 16; which of two words comes first is what is asked, whatever stands between.
  static func sentences(_ count: Int, seed: UInt64) throws -> Samples {
    var draws = Draws(seed: seed), x: [Int32] = [], y: [Int32] = []
    for _ in 0..<count {
      var words = (0..<12).map { _ in Int32(3 + draws.int(13)) }
      let first = draws.int(11), second = first + 1 + draws.int(11 - first), label = draws.int(2)
      words[first] = label == 0 ? 1 : 2
      words[second] = label == 0 ? 2 : 1
      x += words
      y.append(Int32(label))
    }
    return (try Tensor(x, shape: [count, 12]), Tensor(y))
  }
}
