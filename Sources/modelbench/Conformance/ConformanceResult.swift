/// How a case ended.
struct ConformanceResult {
  enum Status: String, CaseIterable { case passed, failed, unsupported, crashed }
  var name: String
  var status: Status
  /// Why it did not pass.
  var message = ""

  /// One line that a worker prints.
  var line: String {
    "\(name)\t\(status.rawValue)\t" + message.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
  init(_ name: String, _ status: Status, _ message: String = "") {
    self.name = name
    self.status = status
    self.message = message
  }
  init?(line: Substring) {
    let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let status = Status(rawValue: String(parts[1])) else { return nil }
    self.init(String(parts[0]), status, String(parts[2]))
  }
}
