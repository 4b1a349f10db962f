import Foundation
import Testing

/// Holds docs/cli.md against what the commands say of themselves.
@Suite struct DocumentationTests {
  @Test(arguments: ["inspect", "convert", "verify", "run", "train", "bench"])
  func everyOptionIsDocumented(_ command: String) throws {
    let help = try Command(command, "--help").output
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/cli.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(text.range(of: "## \(command)\n")?.upperBound)
    let section = text[start...].components(separatedBy: "\n## ")[0]
    let options = help.split(whereSeparator: { " \n[],.".contains($0) }).filter { $0.hasPrefix("--") }.map(String.init)
    #expect(!options.isEmpty)
    for option in Set(options).subtracting(["--help", "--version"]) {
      #expect(section.contains(option), "\(command) \(option)")
    }
  }
}
