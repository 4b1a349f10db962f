import Foundation
import ModelTraining
import Testing

@Suite struct TensorTests {
  @Test func constantsTakeTheDTypesOfTensorFlow() throws {
    #expect(try Tensor.constant(1.5).dtype == .float32)
    #expect(try Tensor.constant([[1, 2], [3, 4]]).dtype == .int32)
    #expect(try Tensor.constant([[1, 2], [3, 4]]).shape == [2, 2])
    #expect(try Tensor.constant([true, false]).dtype == .bool)
    #expect(try Tensor.constant(["a", "bc"]).strings() == ["a", "bc"])
    #expect(try Tensor.constant(2.5, shape: [2, 2]).doubles() == [2.5, 2.5, 2.5, 2.5])
    #expect(throws: TensorError.self) { try Tensor.constant([[1, 2], [3]]) }
    #expect(throws: TensorError.self) { try Tensor.constant(300, dtype: .uint8) }
  }

  @Test func operatorsBroadcast() throws {
    let a = try Tensor.constant([[1.0, 2], [3, 4]]), b = try Tensor.constant([10.0, 20])
    #expect(try (a + b).doubles() == [11, 22, 13, 24])
    #expect(try (a - 1).doubles() == [0, 1, 2, 3])
    #expect(try (2 * a).doubles() == [2, 4, 6, 8])
    #expect(try (1 / a).doubles() == [1, 0.5, Double(Float(1) / 3), 0.25])
    #expect(try (a ** 2).doubles() == [1, 4, 9, 16])
    #expect(try (-a).doubles() == [-1, -2, -3, -4])
    #expect(try (a • a).doubles() == [7, 10, 15, 22])
    #expect(try (a .> 2).doubles() == [0, 0, 1, 1])
    #expect(try Tensor.where(a .> 2, a, 0).doubles() == [0, 0, 3, 4])
  }

  @Test func errorsNameTheOperatorAndTheTypes() throws {
    let a = try Tensor.ones([2, 3]), b = try Tensor.ones([2, 4])
    let error = #expect(throws: TensorError.self) { try a + b }
    let message = error?.message ?? ""
    #expect(message.contains("Add") && message.contains("float32[2, 3]") && message.contains("float32[2, 4]"), "\(message)")
    let product = #expect(throws: TensorError.self) { try a.matmul(b) }
    #expect(product?.message.contains("MatMul") == true)
    #expect(throws: TensorError.self) { try a + Tensor.ones([2, 3], dtype: .int32) }
    #expect(throws: TensorError.self) { try Tensor.ones([2], dtype: .int32) * 0.5 }
    #expect(throws: TensorError.self) { try a.reshape([4]) }
    #expect(throws: TensorError.self) { try a[2] }
    #expect(throws: TensorError.self) { try a.transpose([0, 0]) }
    #expect(throws: TensorError.self) { try Tensor.zeros([1 << 40, 1 << 40]) }
    #expect(throws: TensorError.self) { try Tensor.zeros([-1]) }
  }

  @Test func reductions() throws {
    let a = try Tensor.constant([[1.0, 2, 3], [4, 5, 6]])
    #expect(try a.reduceSum().item() == 21)
    #expect(try a.reduceSum(axis: 0).doubles() == [5, 7, 9])
    #expect(try a.reduceMean(axis: -1, keepDims: true).shape == [2, 1])
    #expect(try a.reduceMax(axis: 1).doubles() == [3, 6])
    #expect(try a.argMax(axis: 1).doubles() == [2, 2])
    #expect(try a.cumSum(axis: 1).doubles() == [1, 3, 6, 4, 9, 15])
    #expect(try a.sorted(descending: true).doubles() == [3, 2, 1, 6, 5, 4])
  }

  @Test func slicesAsInPython() throws {
    let a = try Tensor.range(to: 24).reshape([2, 3, 4])
    #expect(try a[1].shape == [3, 4])
    #expect(try a[1, -1, 0].item() == 20)
    #expect(try a[Axis.rest, 0].doubles() == [0, 4, 8, 12, 16, 20])
    #expect(try a[Axis.all, 1..<3].shape == [2, 2, 4])
    #expect(try a[0, 1...].shape == [2, 4])
    #expect(try a[Axis.new, 0, Axis.all, ..<2].shape == [1, 3, 2])
    #expect(try a[0, 0, Axis.step(-1)].doubles() == [3, 2, 1, 0])
    #expect(try a[0, 0, Axis.step(2)].doubles() == [0, 2])
  }

  @Test func movingElements() throws {
    let a = try Tensor.constant([[1, 2], [3, 4]])
    #expect(try Tensor.concat([a, a], axis: 1).shape == [2, 4])
    #expect(try Tensor.stack([a, a], axis: -1).doubles() == [1, 1, 2, 2, 3, 3, 4, 4])
    #expect(try a.gather([1, 0]).doubles() == [3, 4, 1, 2])
    #expect(try a.transpose().doubles() == [1, 3, 2, 4])
    #expect(try a.unstack(axis: 1).map { try $0.doubles() } == [[1, 3], [2, 4]])
    #expect(try Tensor.constant([0, 2]).oneHot(depth: 3).doubles() == [1, 0, 0, 0, 0, 1])
    #expect(try Tensor.scatterAdd(Tensor.constant([[1.0], [2], [3]]), at: Tensor.constant([0, 2, 0]), count: 3).doubles() == [4, 0, 2])
    #expect(try a.cast(to: .float32).pad([(1, 0), (0, 1)]).shape == [3, 3])
    #expect(try Tensor.eye(2).doubles() == [1, 0, 0, 1])
    #expect(try a.cast(to: .float32).divideNoNaN(Tensor.constant([[0.0, 1], [2, 0]])).doubles() == [0, 2, 1.5, 0])
  }

  @Test func variablesKeepTheirType() throws {
    let v = try Variable([1.0, 2.0], name: "v")
    try v.assignAdd(1)
    #expect(try v.tensor.doubles() == [2, 3])
    try v.assignSub(try Tensor.constant([1.0, 1]))
    #expect(try (v * 2).doubles() == [2, 4])
    #expect(throws: TensorError.self) { try v.assign(try Tensor.ones([3])) }
    #expect(throws: TensorError.self) { try v.assign(try Tensor.ones([2], dtype: .int32)) }
  }

  @Test func numpyFiles() throws {
    let path = "/tmp/tensor-tests-\(UInt32.random(in: 0 ... .max))"
    defer { for end in [".npy", ".npz"] { try? FileManager.default.removeItem(atPath: path + end) } }
    let a = try Tensor.constant([[1.0, 2], [3, 4]])
    try a.save(npy: path + ".npy")
    #expect(try Tensor(npy: path + ".npy").doubles() == [1, 2, 3, 4])
    try Tensor.save(["a": a, "b": try Tensor.range(to: 3)], npz: path + ".npz")
    let loaded = try Tensor.load(npz: path + ".npz")
    #expect(loaded["a"]?.shape == [2, 2] && loaded["b"]?.dtype == .int32)
  }
}
