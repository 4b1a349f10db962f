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

  /// Every initialiser with every argument: `keras.initializers` 3.15 on TensorFlow.
  @Test func initializersAreKeras() throws {
    func check(_ initializer: some Initializer, _ shape: [Int], from first: Int = 0, _ expected: [Double]) throws {
      let found = try initializer(shape, dtype: .float32)
      #expect(found.shape == shape)
      let values = Array(try found.doubles().dropFirst(first))
      for (a, b) in zip(values, expected) { #expect(abs(a - b) <= 1e-6 * max(1, abs(b)), "\(a) \(b)") }
      #expect(values.count >= expected.count)
    }
    try check(
      VarianceScaling(scale: 2, mode: .fanAvg, distribution: .uniform, seed: 3, inputAxes: [0], outputAxes: [1, 2]), [2, 3, 4],
      [-0.5630600452423096, 0.8135093450546265, 0.05976206064224243, 0.6314858198165894])
    try check(
      heNormal(seed: 4, inputAxes: [0, 1], outputAxes: [-1]), [3, 2, 2],
      [-0.38190165162086487, 0.567986249923706, -1.0279814004898071, 0.12985336780548096])
    try check(
      VarianceScaling(scale: 1.5, mode: .fanOut, distribution: .untruncatedNormal, seed: 5), [2, 3],
      [-1.4533720016479492, 0.8189623951911926, 0.13548775017261505, -0.09176754206418991, 0.6412377953529358, -0.5112354755401611])
    try check(
      glorotNormal(seed: 6), [2, 3],
      [0.9226715564727783, -0.33882030844688416, 0.35473790764808655, -0.16471648216247559, -0.9490017890930176, 1.0559390783309937])
    try check(lecunUniform(seed: 7), [2, 3], [0.6052169799804688, 0.4217536449432373, -1.083214521408081, 0.3532487154006958])
    try check(lecunNormal(seed: 8), [3], [-0.3424745798110962, -0.6624167561531067, 0.9585892558097839])
    try check(
      RandomUniform(minValue: -2, maxValue: 3, seed: 9), [4],
      [1.7880773544311523, 1.168860673904419, -1.6447324752807617, 0.763603925704956])
    try check(
      TruncatedNormal(mean: 1, stddev: 0.5, seed: 10), [4],
      [1.0669723749160767, 0.45298612117767334, 1.199784755706787, 0.9494010210037231])
    try check(
      Orthogonal(gain: 1.5, seed: 11), [2, 3],
      [1.2009897232055664, -0.18109425902366638, 0.8802436590194702, -0.7356903553009033, 0.6456780433654785, 1.1366000175476074])
    try check(
      Orthogonal(seed: 12), [2, 2, 3], from: 6,
      [0.1680832803249359, 0.9820221662521362, 0.0817892849445343, -0.32047200202941895, 0.011851079761981964, 0.715704619884491])
    try check(IdentityInitializer(gain: 0.5), [2, 3], [0.5, 0, 0, 0, 0.5, 0])
    try check(
      STFTInitializer(side: .imag, window: "hann", scaling: .spectrum, periodic: true), [4, 1, 3],
      [0, 0, 0, 0, -0.25, 2.1855694143368964e-08, 0, 4.371138828673793e-08, -8.742277657347586e-08, 0, 0.25, 0])
    try check(
      STFTInitializer(window: "hamming", scaling: nil), [5, 1, 3],
      [
        0.08, 0.08, 0.08, 0.5400000214576721, 0, -0.5400000214576721, 1, -1, 1, 0.5400000214576721, 0, -0.5400000214576721, 0.08, 0.08,
        0.08,
      ])
    try check(
      STFTInitializer(window: "blackman"), [6, 1, 2],
      [0, 0, 0.16268563270568848, -0.16268563270568848, 0.6881376504898071, 0.6881376504898071, 0.6881376504898071, -0.6881376504898071])
    #expect(throws: TensorError.self) { try heNormal(inputAxes: [7], outputAxes: [0])([2, 2], dtype: .float32) }
    #expect(throws: TensorError.self) { try heNormal(inputAxes: [0])([2, 2], dtype: .float32) }
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
