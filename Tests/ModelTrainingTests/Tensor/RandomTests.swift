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

  @Test func sessionsWithASeedAreReproducible() throws {
    let a = try withSession(seed: 3) { try Tensor.random.normal([4]).doubles() }
    #expect(try withSession(seed: 3) { try Tensor.random.normal([4]).doubles() } == a)
    #expect(try withSession(seed: 4) { try Tensor.random.normal([4]).doubles() } != a)
  }

  /// As after `keras.utils.set_random_seed(7)`.
  @Test func layersTakeTheSeedsOfKeras() throws {
    try withSession(seed: 7) {
      let model = try Sequential([Dense(2), Dropout(0.5), Dense(2, kernelInitializer: "he_normal")], inputShape: [3])
      let weights = model.getWeights()
      try check(
        weights[0],
        [-0.40001481771469116, 0.5036206245422363, 0.9944791793823242, -0.3734724521636963, -0.24597936868667603, 0.036820173263549805])
      try check(weights[2], [0.1603105366230011, -0.05780468136072159, 0.6155444979667664, -1.0898253917694092])
      try check(try model.layers[1](Tensor.ones([1, 6]), training: true), [2, 2, 0, 2, 2, 0])
    }
    try withSession(seed: 7) {
      let weights = try Sequential([LSTM(2), Dense(2)], inputShape: [4, 2]).getWeights()
      try check(
        try weights[1][0],
        [
          -0.1187053918838501, -0.2765788435935974, 0.20099323987960815, 0.5414886474609375, -0.35838407278060913, 0.5586618781089783,
          -0.1574036180973053, -0.3323953151702881,
        ])
      try check(weights[2], [0, 0, 1, 1, 0, 0, 0, 0])
      try check(weights[3], [0.8676177263259888, 0.23925936222076416, 0.6420199871063232, 0.16925573348999023])
    }
  }
}
