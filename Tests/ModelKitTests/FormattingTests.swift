import Testing

@testable import ModelKit

@Suite struct FormattingTests {
  @Test func numbers() {
    #expect([0, 999, 1000, 1_234_567, -1000].map(grouped) == ["0", "999", "1,000", "1,234,567", "-1,000"])
    #expect([0, 999, 1000, 1_500_000, 123_456_789].map(byteText) == ["0 B", "999 B", "1.0 kB", "1.5 MB", "123 MB"])
    #expect([0.1, 1e-12, .nan, -.infinity, 123456789].map { numberText($0) } == ["0.1", "1e-12", "nan", "-inf", "1.23457e+08"])
  }

  @Test func columnsLineUp() {
    var table = TextTable(["name", ">count"])
    table.add("a", "10")
    table.add("long\u{1B}[2J", "1")
    #expect(table.text() == "  name      count\n  a            10\n  long�[2J      1\n")
  }

  @Test func destinationsTellTheirFormat() {
    #expect(ModelFormat(destination: "a/b.ONNX") == .onnx)
    #expect(ModelFormat(destination: "a/b.hdf5") == .h5)
    #expect(ModelFormat(destination: "a.keras/b") == nil)
    #expect(ModelFormat(destination: "b") == nil)
  }
}
