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

  @Test func packsAndUnpacksSmallIntegers() throws {
    let array = NDArray([Int8]([-8, 7, -1, 3, 0]), [5]).reinterpreted(as: .int4)
    let tensor = Tensor(array)
    #expect(tensor.source.byteCount == 3)
    #expect(try tensor.array().integers() == [-8, 7, -1, 3, 0])
  }
}
