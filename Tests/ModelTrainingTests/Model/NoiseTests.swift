import ModelTraining
import Testing

/// What the layers that draw give in training for their seeds, as Keras 3.15 on TensorFlow does.
@Suite struct NoiseTests {
  private func check(_ found: Tensor, _ expected: [Double]) throws {
    #expect(found.size == expected.count)
    for (a, b) in zip(try found.doubles(), expected) { #expect(abs(a - b) <= 1e-5, "\(a) \(b)") }
  }

  @Test func seedsAreKeras() throws {
    let flat = try Tensor.ones([2, 5]), row = try Tensor.ones([2, 3])
    let dropout = Dropout(0.4, seed: 11)
    try check(
      try dropout(flat, training: true),
      [
        1.6666666269302368, 0.0, 1.6666666269302368, 1.6666666269302368, 1.6666666269302368, 0.0, 0.0, 0.0,
        1.6666666269302368, 1.6666666269302368,
      ])
    try check(
      try dropout(flat, training: true),
      [
        0.0, 0.0, 0.0, 1.6666666269302368, 0.0, 1.6666666269302368, 1.6666666269302368, 0.0, 1.6666666269302368,
        1.6666666269302368,
      ])
    try check(
      try SpatialDropout1D(0.4, seed: 12)(try Tensor.ones([2, 3, 4]), training: true),
      [
        1.6666666269302368, 0.0, 1.6666666269302368, 1.6666666269302368, 1.6666666269302368, 0.0, 1.6666666269302368,
        1.6666666269302368, 1.6666666269302368, 0.0, 1.6666666269302368, 1.6666666269302368, 0.0, 1.6666666269302368,
        0.0, 0.0, 0.0, 1.6666666269302368, 0.0, 0.0, 0.0, 1.6666666269302368, 0.0, 0.0,
      ])
    try check(
      try GaussianNoise(0.4, seed: 13)(row, training: true),
      [
        0.8897894620895386, 0.905226469039917, 0.19758164882659912, 0.7950628995895386, 0.7910388112068176,
        0.3312413692474365,
      ])
    try check(
      try GaussianDropout(0.4, seed: 14)(row, training: true),
      [
        0.005478978157043457, 2.013235092163086, 0.41634756326675415, 1.8915095329284668, 0.3639339208602905,
        0.34759414196014404,
      ])
    try check(
      try AlphaDropout(0.4, seed: 15)(row, training: true),
      [
        -0.9106419086456299, -0.9106419086456299, -0.9106419086456299, 1.4703772068023682, 1.4703772068023682,
        1.4703772068023682,
      ])
  }

  @Test func orthogonalStartsAreKeras() throws {
    try check(
      try Orthogonal(seed: 4)([4, 3], dtype: .float32),
      [
        -0.8282766342163086, 0.46605733036994934, -0.29745370149612427, 0.2816287875175476, 0.8142719268798828, 0.5055394172668457,
        0.48432329297065735, 0.32562917470932007, -0.8043464422225952, -0.008604845963418484, 0.11712077260017395, -0.09475193172693253,
      ])
  }
}
