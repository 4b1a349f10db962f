import ArgumentParser

/// Measures the toolchain: against published test suites, and against its peers.
@main
struct ModelBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "modelbench", abstract: "Measure modelctl against test suites and peers.",
    subcommands: [
      Conformance.self, RunCommand.self, TrainingCommand.self, Fuzz.self, Fixtures.self, ConformanceWorker.self, FuzzWorker.self,
    ])
}
