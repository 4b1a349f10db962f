import Foundation
import ModelSupport
import ModelTraining
import Testing

@Suite struct CSVTests {
  private func rows(_ text: String, _ options: CSVOptions = CSVOptions()) throws -> [[String: Tensor]] {
    let path = NSTemporaryDirectory() + "table-\(UUID().uuidString).csv"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try Dataset<[String: Tensor]>.csv(path, options: options).array()
  }

  @Test func linesAndQuotes() throws {
    let found = try rows("\u{FEFF}a,b\r\n1,\"two\nlines, \"\"quoted\"\"\"\r\n\n2,x")
    #expect(found.count == 2)
    #expect(try found[0]["b"]?.strings() == ["two\nlines, \"quoted\""])
    #expect(try found[1]["a"]?.item() == 2 && found[1]["b"]?.strings() == ["x"])
  }
  @Test func withoutHeaderAndWithOtherDelimiters() throws {
    var options = CSVOptions()
    options.hasHeader = false
    options.delimiter = ";"
    options.columnNames = ["x", "y"]
    options.columnTypes = ["y": .float64]
    options.selectColumns = ["y"]
    let found = try rows("1;2\n3;4\n", options)
    #expect(found.map(\.keys.first) == ["y", "y"] && found[0]["y"]?.dtype == .float64)
  }
  @Test func columnsBecomeVectors() throws {
    let path = NSTemporaryDirectory() + "table-\(UUID().uuidString).csv"
    try Data("a,b,c\n1,2.5,3\n4,5,6\n".utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let found = try Dataset<[String: Tensor]>.csv(path).packed(["c", "b"]).batch(2).array()
    #expect(try found[0].doubles() == [3, 2.5, 6, 5] && found[0].shape == [2, 2])
  }
  @Test(arguments: [
    ("a,b\n1,2\n3\n", "line 3", "expected 2 fields, found 1"),
    ("a,b\n1,\"open\n", "line 2", "ends inside of a quoted field"),
    ("a,b\n1,\"x\"y\n", "line 2", "behind a quoted field"),
    ("a,b\n1,x\"y\n", "line 2", "quotation mark"),
    ("", "line", "expected a header"),
    ("a,a\n1,2\n", "line", "comes twice"),
  ])
  func damageIsSaidWithItsLine(_ text: String, _ place: String, _ message: String) throws {
    #expect {
      _ = try rows(text)
    } throws: { error in
      error is FormatError && "\(error)".contains(place) && "\(error)".contains(message)
    }
  }
  @Test func whatIsNoNumberIsSaidWithItsColumn() throws {
    var options = CSVOptions()
    options.rowsForInference = 1
    #expect {
      _ = try rows("a,b\n1,2\n3,x\n", options)
    } throws: { "\($0)".contains("column 'b': expected a number of int32, found 'x'") && "\($0)".contains("line 3") }
    #expect(throws: FormatError.self) { try rows("a\n1\n99999999999\n", options) }
  }
}
