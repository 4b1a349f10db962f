import ArgumentParser
import Foundation

/// Runs the ONNX backend node tests and writes a table of the results.
struct Conformance: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the ONNX backend node tests.",
    discussion: """
      DIRECTORY holds one directory for each case, with model.onnx and test_data_set_*/input_N.pb and output_N.pb: \
      onnx/backend/test/data/node of the wheel onnx 1.17.0. Cases run in a process of their own, so that one that \
      crashes or hangs costs only itself.
      """)

  @Argument(help: "The directory of the cases.") var directory: String
  @Option(help: "Where to write the report, as Markdown.") var report: String?
  @Option(help: "Run only cases whose name contains this.") var filter: String?
  @Option(help: "Seconds a case may take.") var timeout: Double = 60
  @Option(help: "Exit with 1 when fewer cases pass.") var expect: Int?
  @Option(help: "Write each model at this opset first, and run what was written.") var through: Int?
  @Option(help: "With --through, keep what was written in this directory.") var keep: String?
  @Option(help: "Damage each model first, differently for each number: what counts is that nothing crashes.") var damage: Int?
  @Flag(help: "List the cases that do not pass.") var verbose = false

  func run() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted().filter { name in
      FileManager.default.fileExists(atPath: "\(directory)/\(name)/model.onnx") && (filter.map(name.contains) ?? true)
    }
    guard !names.isEmpty else { throw ValidationError("there are no cases in \(directory)") }
    var results: [ConformanceResult] = []
    while results.count < names.count {
      let run = WorkerRun(
        directory: directory, names: Array(names[results.count...]), opset: through, keep: keep, seed: damage, timeout: timeout)
      results += try run.results()
    }
    let summary = ConformanceReport(results, directory: directory)
    if verbose {
      for result in results where result.status != .passed { print("\(result.status.rawValue)\t\(result.name)\t\(result.message)") }
    }
    print(summary.totals)
    if let report { try Data(summary.markdown.utf8).write(to: URL(fileURLWithPath: report)) }
    if let expect, summary.count(.passed) < expect {
      print("expected \(expect) cases to pass")
      throw ExitCode(1)
    }
  }
}

/// The process that runs cases: takes names on standard input, gives a line for each on standard output.
struct ConformanceWorker: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "conformance-worker", shouldDisplay: false)
  @Argument var directory: String
  @Option var through: Int?
  @Option var keep: String?
  @Option var damage: Int?

  func run() {
    while let name = readLine() {
      let result = ConformanceCase(directory: directory, name: name, opset: through, keep: keep, seed: damage).run()
      // Unbuffered: what is printed must be out before the next case can end the process.
      FileHandle.standardOutput.write(Data((result.line + "\n").utf8))
    }
  }
}
