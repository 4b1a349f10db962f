/// Runs an example by name: `swift run -c release Examples mlp`.
@main
struct Examples {
  /// All examples: each takes a number of epochs, and gives a figure of what it has come to.
  static var all: [(name: String, run: (Int) throws -> Double)] {
    [
      ("mlp", SequentialMLP.run), ("functional", FunctionalModel.run), ("subclass", SubclassedModel.run), ("loop", TrainingLoop.run),
      ("quantise", QuantisedModel.run), ("pipeline", DataPipeline.run),
    ]
  }

  static func main() throws {
    let wished = CommandLine.arguments.dropFirst().first
    guard let example = all.first(where: { $0.name == wished }) else {
      print("usage: Examples " + all.map(\.name).joined(separator: "|"))
      return
    }
    print(try example.run(20))
  }
}
