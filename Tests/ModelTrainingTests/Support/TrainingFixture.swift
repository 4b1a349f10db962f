import Foundation
import ModelSupport
import ModelTraining
import Testing

/// What Keras was recorded to do: `fixtures/training/<name>.json` and `.npz`.
struct TrainingFixture {
  let json: JSONValue
  let arrays: [String: Tensor]

  init(_ name: String) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("fixtures/training")
    json = try JSONValue(parsing: Array(Data(contentsOf: folder.appendingPathComponent(name + ".json"))))
    arrays = try Tensor.load(npz: folder.appendingPathComponent(name + ".npz").path)
  }
  func array(_ key: String) throws -> Tensor { try #require(arrays[key], "no array \(key)") }
}

/// The greatest difference in parts of what is allowed; NaN and infinities have to be the same.
func worstDifference(_ found: Tensor, _ expected: Tensor, absolute: Double, relative: Double) throws -> Double {
  let a = try found.doubles(), b = try expected.doubles()
  guard found.shape == expected.shape else { return .infinity }
  return zip(a, b).reduce(0) { worst, pair in
    if pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) { return worst }
    let difference = abs(pair.0 - pair.1) / (absolute + relative * abs(pair.1))
    return difference.isNaN ? .infinity : max(worst, difference)
  }
}
