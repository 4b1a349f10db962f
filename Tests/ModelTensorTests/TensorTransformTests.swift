import ModelTensor
import Testing

@Suite struct TensorTransformTests {
  @Test(arguments: [[2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2], [0, 1, 2]])
  func transposesByIndex(_ permutation: [Int]) throws {
    let shape = [2, 3, 5]
    let values = (0..<30).map { Int32($0 * $0) }
    let result = try Tensor(NDArray(values, shape)).transposed(permutation).array()
    let out = permutation.map { shape[$0] }
    #expect(result.shape == out)
    let got = result.values(Int32.self)
    for i in 0..<out[0] {
      for j in 0..<out[1] {
        for k in 0..<out[2] {
          var source = [0, 0, 0]
          for (axis, index) in zip(permutation, [i, j, k]) { source[axis] = index }
          #expect(got[(i * out[1] + j) * out[2] + k] == values[(source[0] * 3 + source[1]) * 5 + source[2]])
        }
      }
    }
  }

  @Test(arguments: [[0, 10], [3, 0], [0, 0], [2, 0, 3], [4, 5, 0]]) func nothingIsTransposed(_ shape: [Int]) throws {
    let order = Array(shape.indices.reversed())
    let result = try Tensor(NDArray([Float](), shape)).transposed(order).array()
    #expect(result.shape == shape.reversed() && result.values(Float.self).isEmpty)
  }

  @Test func packsAndUnpacksSmallIntegers() throws {
    let array = NDArray([Int8]([-8, 7, -1, 3, 0]), [5]).reinterpreted(as: .int4)
    let tensor = Tensor(array)
    #expect(tensor.source.byteCount == 3)
    #expect(try tensor.array().integers() == [-8, 7, -1, 3, 0])
  }

  /// Seeded permutations of any rank and width against index arithmetic, read whole and in odd pieces.
  @Test(arguments: 0..<60) func permutesAnyShape(_ seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 99
    func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let rank = 1 + next(5)
    let shape = (0..<rank).map { _ in 1 + next(rank > 3 ? 5 : 70) }
    var permutation = Array(0..<rank)
    for i in permutation.indices { permutation.swapAt(i, next(rank)) }
    let count = shape.reduce(1, *), dtype = [DType.uint8, .int16, .int32, .int64, .complex128][next(5)]
    let stride = try #require(dtype.arrayStride)
    let array = NDArray(uninitialized: dtype, shape)
    array.withMutableBytes { bytes in for i in bytes.indices { bytes[i] = UInt8(truncatingIfNeeded: i &* 31 &+ i >> 8) } }
    let tensor = Tensor(array).transposed(permutation)
    var expected = [UInt8](repeating: 0, count: count * stride)
    let out = permutation.map { shape[$0] }
    array.withBytes { bytes in
      for place in 0..<count {
        var rest = place, index = [Int](repeating: 0, count: rank)
        for axis in (0..<rank).reversed() {
          index[permutation[axis]] = rest % out[axis]
          rest /= out[axis]
        }
        let source = zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }
        for b in 0..<stride { expected[place * stride + b] = bytes[source * stride + b] }
      }
    }
    #expect(try tensor.source.bytes() == expected)
    var pieces: [UInt8] = []
    try tensor.source.forEachChunk(of: 1 + next(300)) { pieces += $0 }
    #expect(pieces == expected)
    // Back again, as one permutation.
    var back = permutation
    for (index, axis) in permutation.enumerated() { back[axis] = index }
    let original = tensor.transposed(back)
    #expect(original.extents == shape)
    #expect(try original.source.bytes() == array.withBytes { [UInt8]($0) })
  }

  @Test(arguments: [
    ([6, 3, 8], 0, [6, 1, 3, 8], 0), ([3, 8, 6], 2, [1, 3, 8, 6], 3), ([1, 6], 1, [6], 0), ([2, 3, 4], 1, [2, 3, 2, 2], 1),
    ([4, 4, 4], 1, [4, 1, 4, 4], 2),
  ])
  func scalesStayWithTheirAxis(_ shape: [Int], _ axis: Int, _ target: [Int], _ expected: Int) {
    let scales = [Float](repeating: 0.5, count: shape[axis])
    let tensor = Tensor(NDArray(zeros: .int8, shape))
    let quantized = Tensor(TensorType(.int8, Shape(shape), quantization: Quantization(scales: scales, axis: axis)), source: tensor.source)
    #expect(quantized.reshaped(target).type.quantization?.axis == expected)
  }
  /// Axes of extent 1 move without a byte moving.
  @Test func scalesMoveWithAnAxisAmongOnes() {
    let tensor = Tensor(NDArray(zeros: .int8, [1, 1, 1, 8]))
    let quantization = Quantization(scales: [Float](repeating: 0.5, count: 8), axis: 3)
    let quantized = Tensor(TensorType(.int8, Shape([1, 1, 1, 8]), quantization: quantization), source: tensor.source)
    let turned = quantized.transposed([3, 0, 1, 2])
    #expect(turned.extents == [8, 1, 1, 1] && turned.type.quantization?.axis == 0)
  }
}
