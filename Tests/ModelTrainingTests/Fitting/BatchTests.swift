import ModelTensor
import ModelTraining
import Testing

/// Batches of shuffled arrays: memory that nobody holds is filled again, what somebody keeps stays as it was.
@Suite struct BatchTests {
  private static func source() throws -> ArrayBatches {
    let x = try ModelTraining.Tensor((0..<40).map(Float.init), shape: [20, 2]), y = ModelTraining.Tensor((0..<20).map(Int32.init))
    return try ArrayBatches(x: [x], y: [y], batchSize: 6, shuffle: true, seed: 3)
  }

  @Test func keptBatchesStay() throws {
    let next = try Self.source().batches(epoch: 0)
    var kept: [Batch] = [], tensors: [ModelTraining.Tensor] = []
    while let batch = try next() {
      kept.append(batch)
      tensors.append(batch.x[0])
    }
    let rows = try kept.flatMap { try $0.y[0].scalars(Int32.self) }
    #expect(rows.sorted() == (0..<20).map(Int32.init) && rows != rows.sorted())
    #expect(try tensors.flatMap { try $0.scalars(Float.self) } == rows.flatMap { [Float(2 * $0), Float(2 * $0 + 1)] })
  }

  /// A tensor alone may be kept, or its array.
  @Test(arguments: [0, 1, 2]) func whatIsKeptOfABatchStays(_ kind: Int) throws {
    let next = try Self.source().batches(epoch: 0)
    let first = try #require(try next()).x[0], array = try first.array()
    let values = try first.scalars(Float.self)
    var kept: ModelTraining.Tensor? = kind == 1 ? nil : first
    for _ in 0..<2 { _ = try next() }
    if kind != 1 { #expect(try kept?.scalars(Float.self) == values) }
    if kind != 2 { #expect(array.values(Float.self) == values) }
    kept = nil
  }
}
