import Foundation
import ModelSupport
import ModelTraining
import Testing

/// Against what tf.data was recorded to do (`fixtures/data/sequences.json`).
@Suite struct DatasetTests {
  private let recorded: JSONValue
  private let folder: URL
  init() throws {
    folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("fixtures/data")
    recorded = try JSONValue(parsing: Array(Data(contentsOf: folder.appendingPathComponent("sequences.json"))))
  }
  private func entry(_ key: String) throws -> JSONValue { try #require(recorded[key], "\(key)") }
  private func ints(_ list: [Int]) -> JSONValue { .array(list.map { .int($0) }) }
  private func plain(_ tensor: Tensor) throws -> JSONValue {
    func nested(_ values: ArraySlice<Double>, _ shape: ArraySlice<Int>) -> JSONValue {
      guard let first = shape.first else { return .int(Int(values.first ?? .nan)) }
      let step = values.count / max(1, first)
      return .array((0..<first).map { nested(values.dropFirst($0 * step).prefix(step), shape.dropFirst()) })
    }
    return nested(try tensor.doubles()[...], tensor.shape[...])
  }
  private func tensors(_ count: Int) -> Dataset<Tensor> { Dataset<Int>.range(to: count).map { try Tensor.constant($0) } }

  @Test(arguments: [(10, 4, 7), (10, 10, 1), (23, 8, 42), (5, 100, 3), (12, 1, 9)])
  func shufflesAsTensorFlow(_ count: Int, _ buffer: Int, _ seed: Int) throws {
    for again in [true, false] {
      let data = try Dataset<Int>.range(to: count).shuffle(buffer, seed: seed, reshuffleEachIteration: again)
      let rounds = try (0..<3).map { _ in ints(try data.array()) }
      #expect(try .array(rounds) == entry("shuffle/\(count)/\(buffer)/\(seed)/\(again ? 1 : 0)"))
    }
  }
  @Test func shuffledRepeatsAreOthers() throws {
    #expect(try ints(Dataset<Int>.range(to: 6).shuffle(4, seed: 5).repeat(2).array()) == entry("shuffle/repeat"))
  }

  @Test(
    arguments: [(3, nil, 1, false), (3, 1, 1, false), (3, 1, 2, true), (2, 4, 1, false), (3, 5, 2, false), (4, 2, 1, true)]
      as [(Int, Int?, Int, Bool)])
  func windows(_ size: Int, _ shift: Int?, _ stride: Int, _ drop: Bool) throws {
    let data = try Dataset<Int>.range(to: 11).window(size, shift: shift, stride: stride, dropRemainder: drop)
    let found = try data.array().map { ints(try $0.array()) }
    #expect(try .array(found) == entry("window/\(size)/\(shift.map(String.init) ?? "None")/\(stride)/\(drop ? "True" : "False")"))
    #expect(data.cardinality == .finite(found.count))
  }

  @Test(arguments: [(4, false), (4, true), (20, false), (20, true)]) func batches(_ size: Int, _ drop: Bool) throws {
    let data = try tensors(10).batch(size, dropRemainder: drop)
    let found = try data.array().map(plain)
    #expect(try .array(found) == entry("batch/\(size)/\(drop ? 1 : 0)"))
    #expect(data.cardinality == .finite(found.count))
  }

  @Test func batchesOfElementsThatDifferArePadded() throws {
    let ragged = Dataset([2, 4, 1, 3, 5]).map { try Tensor.constant(Array(0..<$0)) }
    #expect(try .array(ragged.paddedBatch(2).array().map(plain)) == entry("padded/longest"))
    let six = try ragged.paddedBatch(2, paddedShapes: [[6]], paddingValues: [-1], dropRemainder: true)
    #expect(try .array(six.array().map(plain)) == entry("padded/6"))
    #expect(throws: TensorError.self) { try ragged.batch(2).array() }
    #expect(throws: TensorError.self) { try ragged.paddedBatch(2, paddedShapes: [[3]]).array() }
  }

  @Test func smallTransformations() throws {
    let eight = Dataset<Int>.range(to: 8)
    #expect(try .array([eight.take(3), eight.take(-1), eight.skip(5), eight.skip(-1)].map { ints(try $0.array()) }) == entry("take_skip"))
    #expect(try ints(Dataset<Int>.range(to: 3).repeat(3).array()) == entry("repeat"))
    let pairs = Dataset<(Int, Int)>.zip(Dataset<Int>.range(to: 4), Dataset<Int>.range(10, to: 13))
    #expect(try .array(pairs.array().map { ints([$0.0, $0.1]) }) == entry("zip"))
    #expect(try ints(Dataset<Int>.range(to: 3).concatenate(.range(7, to: 9)).array()) == entry("concatenate"))
    #expect(try .array(Dataset<Int>.range(4, to: 7).enumerated(start: 5).array().map { ints([$0.0, $0.1]) }) == entry("enumerate"))
    #expect(try ints(Dataset<Int>.range(to: 10).shard(3, index: 1).array()) == entry("shard"))
    let windows = try tensors(7).window(3, shift: 2, dropRemainder: true).flatMap { try $0.batch(3) }
    #expect(try .array(windows.array().map(plain)) == entry("flat_window"))
    #expect(try eight.filter { $0 % 3 == 0 }.array() == [0, 3, 6])
    #expect(try eight.takeWhile { $0 < 4 }.array() == [0, 1, 2, 3])
    #expect(try Dataset<Int>([]).repeat().array().isEmpty)
    #expect(throws: TensorError.self) { try eight.repeat().array() }
    #expect(try eight.repeat().take(10).array() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1])
  }

  @Test func unbatchUndoesBatch() throws {
    let x = try Tensor.random.normal([7, 2], seed: 1), y = try Tensor.constant(Array(0..<7))
    let again = try Dataset.fromTensorSlices((x, y)).batch(3).unbatch().batch(7).array()
    #expect(again.count == 1)
    #expect(try again[0].0.doubles() == x.doubles())
    #expect(try again[0].1.doubles() == y.doubles())
    #expect(throws: TensorError.self) { try Dataset.fromTensorSlices((x, try Tensor.constant([1, 2]))) }
  }

  @Test func tablesAreReadAsTensorFlowReadsThem() throws {
    var options = CSVOptions()
    options.naValue = "NA"
    let data = try Dataset<([String: Tensor], Tensor)>.makeCSVDataset(
      folder.appendingPathComponent("table.csv").path, batchSize: 3, labelName: "label", options: options, numEpochs: 1, shuffle: false)
    let expected = try #require(try entry("csv").arrayValue), found = try data.array()
    #expect(found.count == expected.count)
    for ((columns, label), want) in zip(found, expected) {
      #expect(try plain(label) == want["label"])
      let types = try #require(want["types"]?.objectValue)
      #expect(Set(types.keys) == Set(columns.keys))
      for (name, type) in types {
        let column = try #require(columns[name])
        #expect(column.dtype.rawValue == type.stringValue, "\(name)")
        let values = try #require(want["columns"]?[name]?.arrayValue)
        if column.dtype == .string {
          #expect(try column.strings() == values.compactMap { $0.stringValue })
        } else {
          #expect(try column.doubles() == values.compactMap { $0.doubleValue })
        }
      }
    }
  }
}
