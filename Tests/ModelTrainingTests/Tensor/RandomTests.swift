import ModelTraining
import Testing

/// Numbers of `keras.random` and `keras.initializers` on TensorFlow 2.21 for the same seeds.
@Suite struct RandomTests {
  @Test func drawsAreKeras() throws {
    try check(
      Tensor.random.normal([2, 3], seed: 42),
      [0.015817075967788696, -1.5900869369506836, 0.10359445959329605, 0.8117459416389465, -1.610355019569397, -1.5791045427322388])
    try check(
      Tensor.random.uniform([5], minValue: -1, maxValue: 3, seed: 7),
      [1.9883151054382324, 1.688720703125, -0.7688817977905273, 1.576852798461914, -0.7187657356262207])
    try check(
      Tensor.random.truncatedNormal([7], stddev: 2, seed: 1337),
      [
        1.2155991792678833, -1.778350591659546, -0.5714135766029358, 0.3917819857597351, 3.2266085147857666, 1.6020712852478027,
        2.5539565086364746,
      ])
    try check(
      glorotUniform(seed: 1)([3, 2], dtype: .float32),
      [0.8292261362075806, -0.08767890930175781, 0.21972715854644775, -0.2353067398071289, -0.5407264828681946, -0.12203431129455566])
    try check(
      heNormal(seed: 2)([2, 2, 2], dtype: .float32),
      [
        -0.5140196681022644, -0.15032874047756195, -0.6659723520278931, -0.15058428049087524, 0.288492888212204, -0.7572001814842224,
        0.47164613008499146, 0.40979596972465515,
      ])
    try check(
      RandomNormal(seed: 3)([4], dtype: .float32),
      [-0.03357924148440361, 0.08380252122879028, -0.04721227288246155, 0.030396947637200356])
    let generator = RandomSeed.generator(try SeedGenerator(seed: 5))
    _ = try Tensor.random.uniform([2], seed: generator)
    try check(Tensor.random.uniform([3], seed: generator), [0.6156384944915771, 0.9509726762771606, 0.11595308780670166])
  }

  private func check(_ found: Tensor, _ expected: [Double]) throws {
    for (a, b) in zip(try found.doubles(), expected) { #expect(abs(a - b) <= 1e-6 * max(1, abs(b)), "\(a) \(b)") }
    #expect(found.size == expected.count)
  }

  @Test func generatorsMoveOn() throws {
    let generator = try SeedGenerator(seed: 7)
    let a = try Tensor.random.uniform([3], seed: .generator(generator)).doubles()
    let b = try Tensor.random.uniform([3], seed: .generator(generator)).doubles()
    #expect(a != b)
    #expect(try Tensor.random.uniform([3], seed: 7).doubles() == a)
  }

  @Test func setRandomSeedMakesDrawsReproducible() throws {
    try setRandomSeed(3)
    let a = try Tensor.random.normal([4]).doubles()
    try setRandomSeed(3)
    #expect(try Tensor.random.normal([4]).doubles() == a)
  }
}
